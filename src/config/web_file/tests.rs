//! What a file says, and what people are told of one that is wrong.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::check::parse;
use super::{ClientCertificate, Pem, WebFile};

const HASH: &str = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";

fn told(text: &str) -> String {
    parse(text, Some(Path::new("/etc/tierwatch/web.yaml"))).unwrap_err().to_string()
}

#[test]
fn an_empty_file_asks_for_nothing() {
    for text in ["", "# nothing\n", "tls_server_config:\n", "rate_limit: { interval: 0s, burst: 0 }"] {
        let WebFile { tls, http2, headers, users, rate_limit } = parse(text, None).unwrap();
        assert!(tls.is_none() && http2 && headers.is_empty() && users.is_empty() && rate_limit.is_none(), "{text}");
    }
}

#[test]
fn every_key_of_the_toolkit_is_known() {
    let text = format!(
        "tls_server_config:\n  cert_file: tls.crt\n  key_file: /keys/tls.key\n  client_ca_file: ca.crt\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [prometheus.example.com, 10.0.0.7]\n  \
         min_version: TLS12\n  max_version: TLS13\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  \
         prefer_server_cipher_suites: false\n  curve_preferences: [CurveP256, X25519]\n\
         http_server_config:\n  http2: false\n  headers: {{ X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=1 }}\n\
         basic_auth_users:\n  alice.smith: {HASH}\n  bob: '{HASH}'\nrate_limit: {{ interval: 500ms, burst: 20 }}\n"
    );
    let file = parse(&text, Some(Path::new("/etc/tierwatch/web.yaml"))).unwrap();
    let tls = file.tls.unwrap();
    assert!(matches!(&tls.certificate, Pem::File(path) if path == Path::new("/etc/tierwatch/tls.crt")));
    assert!(matches!(&tls.key, Pem::File(path) if path == Path::new("/keys/tls.key")));
    assert_eq!((tls.client, tls.tls12, tls.tls13, tls.our_order), (ClientCertificate::Required, true, true, false));
    assert_eq!((tls.client_sans.len(), tls.curves.join(",").as_str()), (2, "CurveP256,X25519"));
    assert_eq!((file.http2, file.headers.len()), (false, 2));
    assert_eq!(file.users["alice.smith"].expose_secret(), HASH);
    assert_eq!(file.rate_limit.unwrap().interval.as_millis(), 500);
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_no_secret_with_it() {
    let text = "tls_server_config:\n  cert: CANARY\n  cert_file: tls.crt\n  client_ca_file: ca.crt\n  min_version: TLS10\n  \
                cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n  kee_file: x\n\
                http_server_config:\n  headers: { X-Frame-Options: allow, Server: nginx }\n\
                basic_auth_users:\n  alice: CANARY\n  bob: [CANARY]\n  carl: 4711\nrate_limit: { interval: 2m }\n";
    insta::assert_snapshot!(told(text));
}

#[test]
fn certificates_of_clients_need_an_authority_and_a_policy() {
    let tls = "tls_server_config: { cert_file: a, key_file: b";
    for (rest, part) in [
        ("client_auth_type: RequireAndVerifyClientCert", "client_ca_file"),
        ("client_auth_type: RequireAnyClientCert, client_ca_file: c", "would take any certificate for good"),
        ("client_auth_type: Please, client_ca_file: c", "\"Please\" is not known"),
        ("client_ca_file: c", "asks for no certificate"),
        ("client_allowed_sans: [x]", "asks for no certificate"),
        ("min_version: TLS13, max_version: TLS12", "swap them"),
    ] {
        let told = told(&format!("{tls}, {rest} }}"));
        assert!(told.contains(part), "{rest}: {told}");
    }
}

#[test]
fn keys_of_the_other_configuration_are_not_proposed() {
    for text in ["listen_address: CANARY", "token: CANARY", "tls_server_config: { password: CANARY }"] {
        let told = told(text);
        assert!(told.contains("known here: ") && !told.contains("CANARY"), "{told}");
    }
}

#[test]
fn what_is_no_table_is_told() {
    for text in ["just words", "[a, b]", "a: b: c", "42"] {
        assert!(told(text).contains("problem"), "{text}");
    }
}

#[test]
fn a_hash_that_would_take_minutes_is_refused() {
    let told = told(&format!("basic_auth_users: {{ a: '{}' }}", HASH.replace("$10$", "$20$")));
    assert!(told.contains("cost 20") && !told.contains("X0h1"), "{told}");
}
