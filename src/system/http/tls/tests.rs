use super::{BadCertificate, Certificate, Identity};

// Made for these tests with `openssl req -x509` and `openssl ca`; they guard nothing.
const CERTIFICATE: &str = include_str!("client.crt");
const EXPIRED: &str = include_str!("expired.crt");
const KEY: &str = include_str!("client.key");
const OTHER_KEY: &str = include_str!("other.key");
const THUMBPRINT: &str = "ocGeRaJJG8ZY87yNM2vWecmCC0Py1l7Qs0m5KQ8ug6c";

/// Within the time of `CERTIFICATE`.
const NOW: i64 = 2_000_000_000;

#[test]
fn a_certificate_is_known_by_its_thumbprint() {
    let certificate = Certificate::read(CERTIFICATE, NOW).unwrap();
    let identity = Identity::new(certificate.clone(), &KEY.into()).unwrap();

    // Computed by `openssl x509 -outform DER | openssl dgst -sha256 -binary | basenc --base64url`.
    assert_eq!((certificate.thumbprint(), identity.thumbprint()), (THUMBPRINT, THUMBPRINT));
}

#[test]
fn a_certificate_is_used_within_its_time_only() {
    // 2020-01-01 to 2020-02-01.
    let at = |now| Certificate::read(EXPIRED, now).map(drop);

    assert_eq!(at(1_577_836_799), Err(BadCertificate::Early("2020-01-01T00:00:00Z".into())));
    assert_eq!(at(1_577_836_800), Ok(()));
    assert_eq!(at(1_580_515_200), Ok(()));
    assert_eq!(at(1_580_515_201), Err(BadCertificate::Expired("2020-02-01T00:00:00Z".into())));
}

#[test]
fn a_key_of_another_pair_is_refused() {
    let certificate = Certificate::read(CERTIFICATE, NOW).unwrap();

    assert_eq!(Identity::new(certificate, &OTHER_KEY.into()).unwrap_err(), BadCertificate::Mismatch);
}

#[test]
fn what_is_no_certificate_is_told_apart_and_not_repeated() {
    let cut = "-----BEGIN CERTIFICATE-----\nMIIBfzCCASWgAwIBAgIU\n-----END CERTIFICATE-----\n";
    for (text, expected) in [
        ("", BadCertificate::Format),
        ("canary", BadCertificate::Format),
        (KEY, BadCertificate::Format),
        (cut, BadCertificate::Damaged),
    ] {
        assert_eq!(Certificate::read(text, NOW).unwrap_err(), expected);
    }
    let certificate = Certificate::read(CERTIFICATE, NOW).unwrap();
    for key in ["canary", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        assert_eq!(Identity::new(certificate.clone(), &key.into()).unwrap_err(), BadCertificate::Key);
    }
}
