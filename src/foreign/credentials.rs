//! What could log in, taken out of what controllers and API servers say.
//!
//! Messages quote requests, configuration and answers, and once in a while a credential with them. Only shapes that
//! nobody takes for ordinary words are masked: a message is evidence, and has to stay readable.

use std::sync::LazyLock;

use regex::{Captures, Regex};

const MASK: &str = "***";

/// In the order in which they are tried; `keep` stands before what is masked, `value` is what is looked at where only
/// the context says that it may be a credential.
const SHAPES: [&str; 3] = [
    // tokens that tell by their own spelling what they are
    concat!(
        r"(?-u:\b)(?P<token>",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*", // JSON Web Token
        r"|gh[oprsu]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}",
        r"|gl[a-z]{2,5}-[A-Za-z0-9_.-]{16,}", // GitLab: personal, deploy, runner, trigger …
        r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)",
        r"|xox[a-z]-[A-Za-z0-9-]{10,}|dckr_[a-z]{3}_[A-Za-z0-9_-]{16,}|hv[bs]\.[A-Za-z0-9_-]{16,}",
        r"|AIza[A-Za-z0-9_-]{30,}|npm_[A-Za-z0-9]{30,}",
        r")",
    ),
    // a private key, up to its end or, where it is cut off, that of the text
    r"(?P<key>-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z))",
    // a name and its value: `password=x`, `"token": "x"`, `Bearer x`
    concat!(
        r#"(?i)(?P<keep>(?-u:\b)(?:bearer|basic)[ \t]+|(?P<name>"#,
        r#"(?:password|passwd|token|signature|client[_-]?secret|(?:secret|access|api|private|account)[_-]?key)"#,
        r#"(?P<quoted>\\?["'])?(?P<sign>[ \t]*=[ \t]*|:[ \t]*)))"#,
        r#"(?:\\?"(?P<in_double>[^"\\]+)|\\?'(?P<in_single>[^'\\]+)|(?P<bare>[^ \t\r\n"'`,;&()\[\]{}<>\\]+))"#,
    ),
];

/// The text with the credentials that are recognised in it replaced by `***`; addresses are left to who knows them.
pub(crate) fn without_credentials_in_words(text: String) -> String {
    static COMPILED: LazyLock<Vec<Regex>> =
        LazyLock::new(|| SHAPES.iter().filter_map(|shape| Regex::new(shape).ok()).collect());
    let text = COMPILED.iter().fold(text, |text, shape| {
        if shape.is_match(&text) { shape.replace_all(&text, mask).into_owned() } else { text }
    });
    without_quoted_values(text)
}

/// helm-controller gives the words of its YAML parser about the values of a Secret, and the parser quotes these in
/// backquotes: ``cannot unmarshal !!str `…` into …``.
fn without_quoted_values(text: String) -> String {
    if !text.contains(OF_A_SECRET) || !text.contains('`') {
        return text;
    }
    let parts = text.split('`').enumerate();
    let kept = parts.map(|(index, part)| if index % 2 == 1 { MASK } else { part });
    kept.collect::<Vec<_>>().join("`")
}

/// In every message of helm-controller about values in a Secret.
const OF_A_SECRET: &str = "Secret chart values reference '";

/// What stands in for one match.
fn mask(found: &Captures<'_>) -> String {
    let whole = &found[0];
    let Some(keep) = found.name("keep") else { return MASK.to_owned() };
    let value = ["in_double", "in_single", "bare"].iter().find_map(|name| found.name(name));
    let Some(value) = value else { return whole.to_owned() };
    let is_assigned = found.name("sign").is_some_and(|sign| sign.as_str().contains('='));
    let is_credential = match found.name("quoted") {
        // JSON; objects, too, are called `"token"` in messages, but what is said of them does not stand in quotes
        Some(_) => found.name("bare").is_none() && !is_no_value(value.as_str()),
        None if is_assigned => !is_no_value(value.as_str()),
        None => looks_made_up(value.as_str()),
    };
    if !is_credential {
        return whole.to_owned();
    }
    let open = &whole[keep.len()..value.start() - found.get(0).map_or(0, |all| all.start())];
    // What a controller says after a value is no part of it.
    let said = value.as_str().trim_end_matches([':', '.']);
    format!("{}{open}{MASK}{}", keep.as_str(), &value.as_str()[said.len()..])
}

/// Whether what is assigned tells nothing: a flag, a variable, or a mask of somebody else.
fn is_no_value(value: &str) -> bool {
    ["true", "false", "null", "nil", "none"].iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.starts_with('$')
        || value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.'))
}

/// Whether no person would say it: digits among letters, or capitals in the middle.
fn looks_made_up(value: &str) -> bool {
    let value = value.trim_end_matches([':', '.']);
    let has = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
    let letters = has(u8::is_ascii_alphabetic);
    let capitals_inside =
        value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase()) && has(u8::is_ascii_lowercase);
    value.len() >= 6 && letters && (has(u8::is_ascii_digit) || capitals_inside) && !value.contains('/')
        || value.len() >= 20 && letters && has(u8::is_ascii_digit) && capitals_inside
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "one test reads what controllers have written"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        without_credentials_in_words(text.to_owned())
    }

    #[test]
    fn every_shape_compiles() {
        for shape in SHAPES {
            Regex::new(shape).unwrap();
        }
    }

    #[test]
    fn what_could_log_in_is_masked() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJmbHV4In0.c2lnbmF0dXJl";
        for (text, plain) in [
            ("401 for Authorization: Bearer abc123def456: denied", "401 for Authorization: Bearer ***: denied"),
            ("header 'authorization: basic dXNlcjpwYXNz'", "header 'authorization: basic ***'"),
            (&*format!("jwt {jwt}, expired"), "jwt ***, expired"),
            ("helm --set db.password=hunter2,x=1", "helm --set db.password=***,x=1"),
            ("GITHUB_TOKEN=abc", "GITHUB_TOKEN=***"),
            ("password = 'two words'", "password = '***'"),
            (r#"{"password":"hunter","user":"me"}"#, r#"{"password":"***","user":"me"}"#),
            (r#"{\"apiKey\": \"a b\"}"#, r#"{\"apiKey\": \"***\"}"#),
            ("password: hunter2", "password: ***"),
            (
                "DefaultEndpointsProtocol=https;AccountKey=Zm9v/YmFy==;X=y",
                "DefaultEndpointsProtocol=https;AccountKey=***;X=y",
            ),
            ("key AKIAIOSFODNN7EXAMPLE is not known", "key *** is not known"),
            ("aws_secret_access_key=wJalr/XUt+nFEMI", "aws_secret_access_key=***"),
            ("pat ghp_0123456789abcdefABCDEF0123456789abcd.", "pat ***."),
            ("github_pat_11ABCDEFG0123456789_abcdefghij", "***"),
            ("denied: glpat-abcdefghij0123456789", "denied: ***"),
            ("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb", "a\n***\nb"),
            ("-----BEGIN PRIVATE KEY-----\nMII and no end", "***"),
        ] {
            assert_eq!(masked(text), plain, "{text}");
        }
    }

    #[test]
    fn what_a_parser_quotes_of_a_secret_is_masked() {
        let told = "could not resolve Secret chart values reference 'a/b' with key 'values.yaml': yaml: unmarshal errors:\n  \
            line 1: cannot unmarshal !!str `hunter2` into map[string]interface {}";
        let text = masked(told);
        assert!(!text.contains("hunter2") && text.contains("cannot unmarshal !!str `***` into"), "{text}");
        let public = told.replace("Secret chart", "ConfigMap chart");
        assert_eq!(masked(&public), public);
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "failed to get secret 'flux-system/token': secrets \"token\" not found",
            "WWW-Authenticate: Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\"",
            "basic authentication failed: invalid password: authentication required",
            "Bearer token is missing; bearer authentication-required",
            "yaml: line 4: found character that cannot start any token: did not find expected key",
            "token=${TOKEN}, password=***, automountServiceAccountToken=false",
            "invalid 'ssh' auth option: 'identity' is required",
            "Secret/apps/db-password created\nSecret/apps/api-token configured",
            "--sops-age-secret=sops-age --token-auth=true",
            "unable to read secret key: no key; access key: none",
            "main@sha1:8c1d22e000000000000000000000000000000000",
            "spec.template.spec.containers[0].env[2].valueFrom.secretKeyRef.key: Required value",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    /// Every text in a document.
    fn texts(document: &serde_json::Value) -> Vec<String> {
        let (mut open, mut texts) = (vec![document], Vec::new());
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::String(text) => texts.push(text.clone()),
                serde_json::Value::Array(items) => open.extend(items),
                serde_json::Value::Object(fields) => {
                    // What they say; the rest of an object may hold anything.
                    texts.extend(
                        ["message", "note"]
                            .iter()
                            .filter_map(|name| fields.get(*name)?.as_str())
                            .map(str::to_owned),
                    );
                    open.extend(fields.values().filter(|value| !value.is_string()));
                }
                _ => {}
            }
        }
        texts
    }

    #[test]
    fn what_real_controllers_have_written_stays_as_it_is() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut seen = 0;
        for folder in ["live", "live/flux-2.7", "apiserver/blocked", "apiserver/healthy"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "gz") {
                    continue;
                }
                let text = flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap());
                let Ok(text) = std::io::read_to_string(text) else { continue };
                for line in texts(&serde_json::from_str(&text).unwrap_or_default()) {
                    assert_eq!(masked(&line), line, "{}", path.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 1_000, "{seen}");
    }

    proptest! {
        #[test]
        fn masking_twice_is_masking_once(text in "[a-zA-Z0-9 :=\"',.-]{0,30}(password|token|Bearer |basic )?[=: \"']{0,3}[a-zA-Z0-9]{0,12}") {
            let once = masked(&text);
            prop_assert_eq!(masked(&once), once);
        }

        #[test]
        fn no_assigned_password_is_left(before in "[a-z ]{0,12}", secret in "[A-Za-z0-9+/!#%@_-]{8,40}") {
            let secret = format!("Q{secret}");
            for text in [format!("{before} password={secret} x"), format!("{before}{{\"token\":\"{secret}\"}}")] {
                prop_assert!(!masked(&text).contains(&secret), "{text}");
            }
        }
    }
}
