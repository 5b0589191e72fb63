//! Whether a hook is GitLab's: pure functions over what was sent and what is in our files.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// A signature this far from our clock is a replay, or a clock that is wrong. The usual bound of Standard Webhooks.
const TOLERANCE_SECONDS: u64 = 5 * 60;

/// What was signed, and the signature, as the headers tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    /// `webhook-id`.
    pub(super) id: &'a str,
    /// `webhook-timestamp`, Unix seconds.
    pub(super) timestamp: &'a str,
    /// `webhook-signature`: `v1,BASE64`, or several with blanks between.
    pub(super) signatures: &'a str,
}

/// A secret file does not hold what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoKey;

/// Whether the token that was sent is the secret. Takes the same time however much of it is right, and however long
/// either is: their digests are compared.
pub(super) fn same_token(sent: &[u8], secret: &str) -> bool {
    let [sent, secret] = [sent, secret.as_bytes()].map(|text| digest::digest(&digest::SHA256, text));
    constant_time::verify_slices_are_equal(sent.as_ref(), secret.as_ref()).is_ok()
}

impl Signed<'_> {
    /// Whether one of the signatures is that of `body` by the signing token.
    pub(super) fn fits(&self, body: &[u8], token: &str) -> Result<bool, NoKey> {
        let secret = STANDARD.decode(token.strip_prefix("whsec_").unwrap_or(token)).map_err(|_| NoKey)?;
        if secret.is_empty() {
            return Err(NoKey);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let content = [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", body].concat();
        let fits = |signature: &str| {
            let tag = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            tag.is_some_and(|tag| hmac::verify(&key, &content, &tag).is_ok())
        };
        Ok(self.signatures.split(' ').any(fits))
    }

    /// Whether it was signed just now.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let signed = self.timestamp.parse::<i64>().ok();
        signed.is_some_and(|signed| signed.abs_diff(now.as_second()) <= TOLERANCE_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    const TOKEN: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: Signed<'_> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };

    #[test]
    fn a_token_is_the_secret_or_not() {
        assert!(same_token(b"secret", "secret"));
        for wrong in [&b""[..], b"secre", b"secret ", b"Secret", b"secretsecret", b"\xff"] {
            assert!(!same_token(wrong, "secret"));
        }
    }

    #[test]
    fn the_signature_of_the_standard_fits() {
        assert_eq!(SIGNED.fits(BODY, TOKEN), Ok(true));
        let several = format!("v1a,xx v1,AAAA {}", SIGNED.signatures);
        assert_eq!(Signed { signatures: &several, ..SIGNED }.fits(BODY, TOKEN), Ok(true));
    }

    #[test]
    fn whatever_is_changed_no_longer_fits() {
        let table = [
            Signed { id: "msg_other", ..SIGNED },
            Signed { timestamp: "1614265331", ..SIGNED },
            Signed { signatures: "", ..SIGNED },
            Signed { signatures: "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..SIGNED },
            Signed { signatures: "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..SIGNED },
            Signed { signatures: "v1,not base64", ..SIGNED },
        ];
        for signed in table {
            assert_eq!(signed.fits(BODY, TOKEN), Ok(false), "{signed:?}");
        }
        assert_eq!(SIGNED.fits(b"{}", TOKEN), Ok(false));
        assert_eq!(SIGNED.fits(BODY, "whsec_AAAA"), Ok(false));
        assert_eq!((SIGNED.fits(BODY, "whsec_?"), SIGNED.fits(BODY, "whsec_")), (Err(NoKey), Err(NoKey)));
    }

    #[test]
    fn a_signature_is_fresh_for_five_minutes_either_way() {
        for (seconds, fresh) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)] {
            let now = Timestamp::from_second(1_614_265_330 + seconds).unwrap();
            assert_eq!(SIGNED.is_fresh(now), fresh, "{seconds}");
        }
        let now = Timestamp::from_second(0).unwrap();
        for odd in ["", "soon", "1614265330.5", "99999999999999999999", "-9223372036854775808"] {
            assert!(!Signed { timestamp: odd, ..SIGNED }.is_fresh(now), "{odd}");
        }
    }
}
