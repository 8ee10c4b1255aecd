//! Which proxy stands before the API server, by the rules of Go, which kubectl follows.
//!
//! `proxy-url` of the kubeconfig counts whatever the environment says; else `HTTPS_PROXY` (for `http://` `HTTP_PROXY`) does,
//! unless the server is this machine or `NO_PROXY` names it (`golang.org/x/net/http/httpproxy`).

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use percent_encoding::percent_decode_str;

use super::error::ClusterError;

/// A proxy, and who asked for it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Where it is, without the login that its URL may hold.
    pub(super) uri: Uri,
    pub(super) protocol: Protocol,
    /// User and password; never shown.
    pub(super) login: Option<(String, String)>,
    /// `HTTPS_PROXY`, or the field of the kubeconfig.
    pub(super) origin: Origin,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// CONNECT.
    Http,
    /// CONNECT within TLS.
    Https,
    /// SOCKS 5, the proxy looking names up.
    Socks,
}

/// Who asked for a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `proxy-url` of the cluster.
    Kubeconfig,
    /// A variable of the environment, by its name.
    Environment(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubeconfig => f.write_str("proxy-url in the kubeconfig"),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri.to_string().trim_end_matches('/'))
    }
}

/// The proxy on the way to a server; `None` where there is none to go through.
pub(super) fn choose(
    server: &Uri,
    kubeconfig: Option<&str>,
    environment: impl Fn(&'static str) -> Option<String>,
) -> Result<Option<Proxy>, ClusterError> {
    if let Some(url) = kubeconfig.filter(|url| !url.is_empty()) {
        return Proxy::parse(url, Origin::Kubeconfig).map(Some);
    }
    let first = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, environment(name).filter(|value| !value.is_empty())?)))
    };
    let names = match server.scheme_str() {
        Some("http") => ["HTTP_PROXY", "http_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy"],
    };
    let Some((name, url)) = first(names) else { return Ok(None) };
    let exceptions = first(["NO_PROXY", "no_proxy"]).map(|(_, value)| value).unwrap_or_default();
    if goes_around(server, &exceptions) {
        return Ok(None);
    }
    Proxy::parse(&url, Origin::Environment(name)).map(Some)
}

impl Proxy {
    /// A URL, or a host and a port as they stand in many an environment.
    fn parse(url: &str, origin: Origin) -> Result<Self, ClusterError> {
        let wrong = |reason: &str| ClusterError::ProxyUrl { origin, reason: reason.to_owned() };
        let named = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = named.parse().map_err(|_| wrong("it is no URL"))?; // the parser may quote a password
        let protocol = match uri.scheme_str() {
            Some("http") => Protocol::Http,
            Some("https") => Protocol::Https,
            Some("socks5" | "socks5h") => Protocol::Socks,
            _ => return Err(wrong("it has to begin with http://, https:// or socks5://")),
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("it names no host"));
        };
        let (login, address) = match authority.as_str().rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, authority.as_str()),
        };
        let port = match (uri.port(), protocol) {
            (None, Protocol::Socks) => ":1080",
            _ => "",
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let login = login.map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            (decoded(user), decoded(password))
        });
        let uri = format!("{scheme}://{address}{port}/").parse().map_err(|_| wrong("it is no URL"))?;
        Ok(Self { uri, protocol, login, origin })
    }
}

/// Whether a server is asked without the proxy of the environment: `useProxy` of Go.
fn goes_around(server: &Uri, exceptions: &str) -> bool {
    let host = server.host().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address = host.parse().ok().map(|address: IpAddr| address.to_canonical());
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    exceptions.split(',').any(|entry| names(&entry.trim().to_ascii_lowercase(), host, address, port))
}

/// Whether one entry of `NO_PROXY` names a host.
fn names(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse(), bits.parse())
    {
        return address.is_some_and(|address| holds(network, bits, address));
    }
    let (name, wanted) = match split_port(entry) {
        Some((name, wanted)) => (name, Some(wanted)),
        None => (entry, None),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if name.is_empty() || wanted.is_some_and(|wanted| wanted.parse() != Ok(port)) {
        return false;
    }
    if let Ok(named) = name.parse::<IpAddr>() {
        return address == Some(named.to_canonical());
    }
    if address.is_some() {
        return false;
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name), // below it alone
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `host:port`; an address of IPv6 has to stand in brackets to have a port.
fn split_port(entry: &str) -> Option<(&str, &str)> {
    let (name, port) = entry.rsplit_once(':')?;
    let is_one = !name.contains(':') || (name.starts_with('[') && name.ends_with(']'));
    is_one.then_some((name, port))
}

/// Whether a network (its first address and the number of bits that count) holds an address.
fn holds(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        bits <= width && (a ^ b).checked_shr(width - bits).unwrap_or_default() == 0
    };
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, kubeconfig: Option<&str>, environment: &[(&str, &str)]) -> String {
        let variable = |name: &'static str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        match choose(&server.parse().unwrap(), kubeconfig, variable) {
            Ok(None) => "none".to_owned(),
            Ok(Some(proxy)) => format!("{proxy} of {}", proxy.origin),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_kubeconfig_beats_the_environment_and_its_exceptions() {
        let environment = [("HTTPS_PROXY", "http://env:3128"), ("NO_PROXY", "*")];
        let own = Some("socks5://own");
        for server in ["https://api.example.com:6443", "https://127.0.0.1:6443"] {
            let of = "socks5://own:1080 of proxy-url in the kubeconfig";
            assert_eq!(chosen(server, own, &environment), of);
        }
        assert_eq!(chosen("https://api.example.com:6443", Some(""), &environment), "none");
    }

    #[test]
    fn each_scheme_has_its_variable_in_either_case() {
        let all = [
            ("https_proxy", "http://lower:1"),
            ("HTTP_PROXY", "plain:2"),
            ("ALL_PROXY", "http://never:3"),
            ("no_proxy", "other.example.com"),
        ];
        assert_eq!(chosen("https://api.example.com", None, &all), "http://lower:1 of https_proxy");
        assert_eq!(chosen("http://api.example.com", None, &all), "http://plain:2 of HTTP_PROXY");
        assert_eq!(chosen("https://api.example.com", None, &all[1..]), "none");
    }

    #[test]
    fn this_machine_is_never_asked_through_a_proxy_of_the_environment() {
        let all = [("HTTPS_PROXY", "http://env:3128"), ("HTTP_PROXY", "http://env:3128")];
        for server in
            ["https://127.0.0.1:6443", "https://127.9.9.9", "http://localhost:8080", "https://[::1]:6443"]
        {
            assert_eq!(chosen(server, None, &all), "none", "{server}");
        }
        assert_ne!(chosen("https://localhost.example.com", None, &all), "none");
    }

    #[test]
    fn exceptions_are_read_as_go_reads_them() {
        for (exceptions, server, around) in [
            ("*", "https://api.example.com", true),
            ("api.example.com", "https://api.example.com:6443", true),
            ("example.com", "https://api.example.com", true),
            ("example.com", "https://example.com", true),
            ("example.com", "https://badexample.com", false),
            (".example.com", "https://api.example.com", true),
            (".example.com", "https://example.com", false),
            ("*.example.com", "https://api.example.com", true),
            ("*.example.com", "https://example.com", false),
            ("EXAMPLE.com", "https://API.Example.COM", true),
            ("api.example.com:6443", "https://api.example.com:6443", true),
            ("api.example.com:6443", "https://api.example.com", false),
            ("api.example.com:443", "https://api.example.com", true),
            ("a,, , example.com ,", "https://api.example.com", true),
            ("10.0.0.0/8", "https://10.1.2.3:6443", true),
            ("10.0.0.0/8", "https://11.1.2.3:6443", false),
            ("10.1.2.3/8", "https://10.9.9.9", true),
            ("0.0.0.0/0", "https://8.8.8.8", true),
            ("10.0.0.0/8", "https://10.example.com", false),
            ("10.0.0.0/33", "https://10.0.0.1", false),
            ("fd00::/8", "https://[fd12::1]:6443", true),
            ("10.1.2.3", "https://10.1.2.3:6443", true),
            ("10.1.2.3:443", "https://10.1.2.3:6443", false),
            ("[fd12::1]:6443", "https://[fd12::1]:6443", true),
            ("fd12::1", "https://[fd12::1]:6443", true),
            ("2.3", "https://10.1.2.3", false),
            ("", "https://api.example.com", false),
            ("no/host", "https://api.example.com", false),
        ] {
            let environment = [("HTTPS_PROXY", "http://env:3128"), ("NO_PROXY", exceptions)];
            assert_eq!(chosen(server, None, &environment) == "none", around, "{exceptions:?} {server}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_told_without_its_password() {
        let of = |url| chosen("https://api.example.com", Some(url), &[]);
        assert_eq!(of("http://me:pa%40ss@proxy:3128/x"), "http://proxy:3128 of proxy-url in the kubeconfig");
        let error = "cannot use the proxy of proxy-url in the kubeconfig: it ";
        assert_eq!(
            of("socks4://me:secret@p"),
            format!("{error}has to begin with http://, https:// or socks5://")
        );
        assert_eq!(of("http://me:sec ret@p"), format!("{error}is no URL"));
        let proxy = Proxy::parse("me:pa%40ss@proxy:3128", Origin::Kubeconfig).ok().unwrap();
        assert_eq!(proxy.login, Some(("me".to_owned(), "pa@ss".to_owned())));
    }
}
