//! Addresses of Git repositories: whether two of them name the same one.

/// Host (lower case), port of HTTP where one is written, and path of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address<'a> {
    host: String,
    http_port: Option<&'a str>,
    path: String,
}

/// Whether two addresses name the same repository, whatever the scheme, user and ending.
///
/// Host and path count. A port counts where both are HTTP and write one: that of SSH says nothing about the server.
pub(crate) fn is_same_repository(one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (address(one), address(other)) else { return false };
    let ports = one.http_port.zip(other.http_port);
    one.host == other.host && one.path == other.path && ports.is_none_or(|(one, other)| one == other)
}

fn address(url: &str) -> Option<Address<'_>> {
    let url = url.trim();
    let (scheme, authority, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            (scheme.to_ascii_lowercase(), authority, path)
        }
        // As Git: a colon before the first slash makes it `[user@]host:path`, else it is a path on this machine.
        None => {
            let end = if url.contains('[') { url.find("]:").map(|at| at + 1) } else { url.find(':') };
            match end.filter(|end| !url[..*end].contains('/')) {
                Some(end) => ("ssh".to_owned(), &url[..end], &url[end + 1..]),
                None => ("file".to_owned(), "", url),
            }
        }
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !host.ends_with(':') => {
            (host, Some(port))
        }
        _ => (host, None),
    };
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let path = path.join("/");
    let path = path.strip_suffix(".git").unwrap_or(&path).to_owned();
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let (host, path) = one_name(host, path);
    let http_port = port.filter(|port| scheme.starts_with("http") && !["80", "443", ""].contains(port));
    (!path.is_empty()).then_some(Address { host, http_port, path })
}

/// Services that speak SSH under another name or path.
fn one_name(host: String, path: String) -> (String, String) {
    let azure = path.strip_prefix("v3/").and_then(|path| path.rsplit_once('/'));
    match (host.as_str(), azure) {
        ("ssh.dev.azure.com", Some((project, name))) => {
            ("dev.azure.com".to_owned(), format!("{project}/_git/{name}"))
        }
        ("ssh.github.com", _) => ("github.com".to_owned(), path),
        ("altssh.gitlab.com", _) => ("gitlab.com".to_owned(), path),
        _ => (host, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_path_make_a_repository_and_nothing_else_does() {
        for (one, other, same) in [
            ("https://github.com/me/fleet", "https://github.com/me/fleet.git", true),
            ("https://github.com/me/fleet", "ssh://git@github.com/me/fleet", true),
            ("ssh://git@github.com:22/me/fleet.git", "git@github.com:me/fleet", true),
            ("ssh://git@git.example.com:2222/me/fleet", "https://git.example.com/me/fleet.git/", true),
            ("https://GitHub.com/me/fleet", "git@github.COM:me/fleet.git", true),
            ("https://user:secret@github.com/me/fleet", "https://github.com/me/fleet", true),
            ("https://github.com:443/me/fleet", "http://github.com/me//fleet", true),
            ("git@github.com:/me/fleet.git", "https://github.com/me/fleet", true),
            ("ssh://git@[::1]:2222/me/fleet", "git@[::1]:me/fleet", true),
            (
                "git@ssh.dev.azure.com:v3/org/project/fleet",
                "https://dev.azure.com/org/project/_git/fleet",
                true,
            ),
            ("ssh://git@ssh.github.com:443/me/fleet", "https://github.com/me/fleet", true),
            ("file:///srv/git/fleet.git", "/srv/git/fleet", true),
            ("http://127.0.0.1:3000/fleet", "http://127.0.0.1:3001/fleet", false),
            ("https://github.com/me/fleet", "https://github.com/me/Fleet", false),
            ("https://github.com/me/fleet", "https://gitlab.com/me/fleet", false),
            ("https://github.com/me/fleet", "https://github.com/me/fleet-infra", false),
            ("https://github.com/me/fleet", "https://github.com/you/me/fleet", false),
            ("https://github.com", "https://github.com", false),
            ("/srv/git/fleet", "https://srv/git/fleet", false),
            ("", "", false),
        ] {
            assert_eq!(is_same_repository(one, other), same, "{one} {other}");
            assert_eq!(is_same_repository(other, one), same, "{other} {one}");
        }
    }
}
