//! Passwords against their bcrypt hashes. What was right once is remembered, because a hash costs a twentieth of a second; what
//! was wrong is not, and one hash is computed at a time, so that a flood of guesses takes no more than one core.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

/// More users than anybody has; when it is full it is forgotten, and each logs in anew.
const REMEMBERED: usize = 128;

/// What was right. Holds no password, only keyed digests that mean nothing elsewhere.
#[derive(Debug)]
pub(super) struct Passwords {
    key: hmac::Key,
    right: Mutex<BTreeSet<[u8; 32]>>,
    one_at_a_time: Semaphore,
}

impl Passwords {
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())?;
        Ok(Self { key, right: Mutex::default(), one_at_a_time: Semaphore::new(1) })
    }

    /// Whether `password` is that of `user`. Takes as long for a user who does not exist.
    pub(super) async fn fit(&self, users: &BTreeMap<String, SecretString>, user: &str, password: SecretString) -> bool {
        // A stranger is compared with somebody's hash all the same.
        let known = users.get(user);
        let Some(hash) = known.or_else(|| users.values().next()) else { return false };
        let digest = self.digest(user, hash.expose_secret(), password.expose_secret());
        if known.is_some() && self.lock().contains(&digest) {
            return true;
        }
        let Ok(_turn) = self.one_at_a_time.acquire().await else { return false };
        let hash = hash.clone();
        let compared =
            tokio::task::spawn_blocking(move || bcrypt::verify(password.expose_secret(), hash.expose_secret()));
        let fits = matches!(compared.await, Ok(Ok(true))) && known.is_some();
        if fits {
            let mut right = self.lock();
            if right.len() >= REMEMBERED {
                right.clear();
            }
            right.insert(digest);
        }
        fits
    }

    /// A password that was changed has another hash, and so another digest.
    fn digest(&self, user: &str, hash: &str, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user, hash, password] {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<[u8; 32]>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shared by all connections.
pub(super) type Shared = Arc<Passwords>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Of "open sesame", at the lowest cost.
    fn users() -> BTreeMap<String, SecretString> {
        let hash = bcrypt::hash("open sesame", 4).unwrap();
        BTreeMap::from([("alice".to_owned(), SecretString::from(hash))])
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_user_who_exists_fits() {
        let (passwords, users) = (Passwords::new().unwrap(), users());
        for _ in 0..2 {
            assert!(passwords.fit(&users, "alice", "open sesame".into()).await);
            for (user, password) in [("alice", ""), ("alice", "open sesame "), ("bob", "open sesame"), ("", "")] {
                assert!(!passwords.fit(&users, user, password.into()).await, "{user} {password}");
            }
        }
        assert_eq!(passwords.lock().len(), 1, "only what was right is remembered");
        assert!(!passwords.fit(&BTreeMap::new(), "alice", "open sesame".into()).await);
    }

    #[tokio::test]
    async fn a_changed_password_no_longer_fits() {
        let (passwords, mut users) = (Passwords::new().unwrap(), users());
        assert!(passwords.fit(&users, "alice", "open sesame".into()).await);
        users.insert("alice".to_owned(), SecretString::from(bcrypt::hash("another", 4).unwrap()));
        assert!(!passwords.fit(&users, "alice", "open sesame".into()).await);
    }
}
