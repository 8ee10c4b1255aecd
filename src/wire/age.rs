//! Public recipients of age identities, computed without keeping anything private.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use serde_json::{Map, Value};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use crate::model::SecretKeys;

/// Key names, and the public side of the identities under `*.agekey`, of a Secret's `data` and `stringData`.
///
/// Takes the values and wipes them. `announced` are recipients that stand beside emptied values.
pub(super) fn secret_keys(data: Vec<(Map<String, Value>, Encoding)>, announced: Option<&str>) -> SecretKeys {
    let mut secret = SecretKeys::default();
    let mut identities = false;
    for (entries, encoding) in data {
        for (key, mut value) in entries {
            if let Value::String(text) = &mut value {
                // kustomize-controller imports every key that ends so, and ignores all others
                if key.ends_with(".agekey") && !text.is_empty() {
                    identities = true;
                    take_identities(text, encoding, &mut secret);
                }
                text.zeroize();
            }
            secret.keys.insert(key);
        }
    }
    if let Some(announced) = announced.filter(|_| !identities) {
        for recipient in announced.split([',', ' ', '\n']).filter(|word| !word.is_empty()) {
            if recipient.starts_with("age1") {
                secret.age_recipients.insert(recipient.to_owned());
            } else {
                secret.unverifiable += 1;
            }
        }
    }
    secret
}

/// How the values of a Secret's field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `data`
    Base64,
    /// `stringData`
    Plain,
}

fn take_identities(text: &str, encoding: Encoding, secret: &mut SecretKeys) {
    match encoding {
        Encoding::Plain => read_identities(text, secret),
        Encoding::Base64 => {
            let bytes = STANDARD.decode(text).map(Zeroizing::new);
            match bytes.as_ref().map(|bytes| std::str::from_utf8(bytes)) {
                Ok(Ok(text)) => read_identities(text, secret),
                _ => secret.unverifiable += 1, // such as a file that is still encrypted
            }
        }
    }
}

/// One identity a line, `#` begins a comment, as age's own `ParseIdentities` reads them.
fn read_identities(text: &str, secret: &mut SecretKeys) {
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match recipient(line) {
            Some(recipient) => drop(secret.age_recipients.insert(recipient)),
            None => secret.unverifiable += 1,
        }
    }
}

/// The `age1…` of an `AGE-SECRET-KEY-1…`; `None` for every other kind of identity and for malformed ones.
fn recipient(identity: &str) -> Option<String> {
    let identity = identity.starts_with("AGE-SECRET-KEY-1").then_some(identity)?; // age wants capitals
    let checked = CheckedHrpstring::new::<Bech32>(identity).ok()?;
    if checked.hrp() != Hrp::parse("age-secret-key-").ok()? {
        return None;
    }
    let mut private = Zeroizing::new([0_u8; 32]);
    let mut bytes = checked.byte_iter();
    for byte in private.iter_mut() {
        *byte = bytes.next()?;
    }
    if bytes.next().is_some() {
        return None;
    }
    let public = PublicKey::from(&StaticSecret::from(*private));
    bech32::encode::<Bech32>(Hrp::parse("age").ok()?, public.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7748 §6.1: Alice's private and public key, in age's spelling.
    const ALICE: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    const ALICE_PUBLIC: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn keys(data: Value, encoding: Encoding) -> SecretKeys {
        let Value::Object(data) = data else { panic!("a map") };
        secret_keys(vec![(data, encoding)], None)
    }

    #[test]
    fn the_recipient_of_an_identity_is_its_public_key() {
        let hrp = Hrp::parse("age-secret-key-").unwrap();
        let identity = bech32::encode::<Bech32>(hrp, &bytes(ALICE)).unwrap().to_uppercase();
        let expected = bech32::encode::<Bech32>(Hrp::parse("age").unwrap(), &bytes(ALICE_PUBLIC)).unwrap();
        assert_eq!(recipient(&identity), Some(expected));
        assert_eq!(recipient(&identity.to_lowercase()), None);
    }

    #[test]
    fn every_line_counts_and_comments_do_not() {
        let identity = "AGE-SECRET-KEY-1VWXXCWPWSL7WCN0PKZ50Z993KWKKMU2XNCNKLZ5J8T7X4VDW8L9S0RCL6A";
        let text = format!(
            "# created: today\r\n{identity}\r\n\n {identity}\nAGE-SECRET-KEY-PQ-1QQQ\nAGE-PLUGIN-YUBIKEY-1QQQ\nnonsense\n"
        );
        let secret = keys(json!({"a.agekey": STANDARD.encode(&text), "age.key": "eA=="}), Encoding::Base64);
        let recipient = "age12pejw4vvt2gf93xey9p4mljhm5ngx8dv9ytsc37wl9xxn82mhs8sq95f74";
        assert_eq!(secret.age_recipients.iter().collect::<Vec<_>>(), [recipient]);
        assert_eq!(secret.unverifiable, 4); // one with a space before it: age refuses that, too
        assert_eq!(secret.keys.iter().collect::<Vec<_>>(), ["a.agekey", "age.key"]);
        assert_eq!(
            keys(json!({"a.agekey": text}), Encoding::Plain),
            SecretKeys { keys: ["a.agekey".to_owned()].into(), ..secret }
        );
    }

    #[test]
    fn what_is_no_base64_counts_as_unverifiable() {
        let secret = keys(json!({"a.agekey": "ENC[AES256_GCM,data:x]", "b.agekey": "/w=="}), Encoding::Base64);
        assert_eq!((secret.unverifiable, secret.age_recipients.len()), (2, 0));
    }

    #[test]
    fn announced_recipients_stand_in_for_emptied_values_alone() {
        let empty = |announced| {
            let Value::Object(data) = json!({"age.agekey": ""}) else { panic!("a map") };
            secret_keys(vec![(data, Encoding::Base64)], announced)
        };
        assert_eq!(empty(None).age_recipients.len(), 0);
        assert_eq!(empty(Some("age1a, age1b age1c")).age_recipients.len(), 3);
        let Value::Object(data) = json!({"age.agekey": "nonsense"}) else { panic!("a map") };
        let secret = secret_keys(vec![(data, Encoding::Plain)], Some("age1a"));
        assert_eq!((secret.age_recipients.len(), secret.unverifiable), (0, 1));
    }
}
