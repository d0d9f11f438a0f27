//! `Verify()` and `VerifyNoRevocation()`: a chain of valid signatures up to a trusted root.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::Certificate;
use crate::clr::date_time::DateTime;

/// Certificates between a leaf and its root.
const LENGTH_MAX: usize = 8;

/// Whether the certificate is in its time at `now` and leads, over `intermediates`, to one of the `roots`.
/// Revocation is not looked at.
pub fn verify_chain(
    certificate: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    now: DateTime,
) -> bool {
    climb(certificate, intermediates, roots, now, 0)
}

fn climb(
    certificate: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    now: DateTime,
    length: usize,
) -> bool {
    if length > LENGTH_MAX || now < certificate.not_before() || now > certificate.not_after() {
        return false;
    }
    let in_time = |root: &Certificate| now >= root.not_before() && now <= root.not_after();
    if roots.iter().any(|root| root == certificate) {
        return true;
    }
    if roots.iter().any(|root| in_time(root) && has_signed(root, certificate)) {
        return true;
    }
    let mut between =
        intermediates.iter().filter(|issuer| *issuer != certificate && has_signed(issuer, certificate));
    between.any(|issuer| climb(issuer, intermediates, roots, now, length + 1))
}

/// Whether an authority's key made the certificate's signature.
pub fn has_signed(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (Ok((_, authority)), Ok((_, subject))) =
        (X509Certificate::from_der(issuer.der()), X509Certificate::from_der(certificate.der()))
    else {
        return false;
    };
    let is_authority = authority.is_ca() || authority.version().0 == 0;
    if !is_authority || authority.subject().as_raw() != subject.issuer().as_raw() {
        return false;
    }
    let data = subject.tbs_certificate.as_ref();
    let key = &authority.public_key().subject_public_key.data;
    let algorithms = algorithms(&subject.signature_algorithm.algorithm.to_id_string());
    algorithms.iter().any(|algorithm| {
        UnparsedPublicKey::new(*algorithm, key).verify(data, &subject.signature_value.data).is_ok()
    })
}

fn algorithms(identifier: &str) -> &'static [&'static dyn VerificationAlgorithm] {
    match identifier {
        "1.2.840.113549.1.1.11" => &[&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY],
        "1.2.840.113549.1.1.12" => &[&RSA_PKCS1_2048_8192_SHA384],
        "1.2.840.113549.1.1.13" => &[&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY],
        "1.2.840.10045.4.3.2" => &[&ECDSA_P256_SHA256_ASN1, &ECDSA_P384_SHA256_ASN1],
        "1.2.840.10045.4.3.3" => &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P256_SHA384_ASN1],
        "1.3.101.112" => &[&ED25519],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    fn parsed(certificate: &rcgen::Certificate) -> Certificate {
        Certificate::parse(certificate.der()).unwrap()
    }

    #[test]
    fn a_chain_is_followed_to_its_root() {
        let authority = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let (root_key, middle_key, leaf_key) =
            (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = authority("root").self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(authority("root"), &root_key);
        let middle = authority("middle").signed_by(&middle_key, &root_issuer).unwrap();
        let middle_issuer = Issuer::new(authority("middle"), &middle_key);
        let leaf =
            CertificateParams::new(["h".to_owned()]).unwrap().signed_by(&leaf_key, &middle_issuer).unwrap();
        let (root, middle, leaf) = (parsed(&root), parsed(&middle), parsed(&leaf));
        let now = DateTime::from_date(2026, 1, 1).unwrap();
        let (roots, between) = (std::slice::from_ref(&root), std::slice::from_ref(&middle));
        assert!(verify_chain(&leaf, between, roots, now));
        assert!(!verify_chain(&leaf, &[], roots, now));
        assert!(!verify_chain(&leaf, between, std::slice::from_ref(&leaf.clone()).get(1..).unwrap(), now));
        assert!(!verify_chain(&leaf, between, roots, DateTime::from_date(9999, 1, 1).unwrap()));
        // A leaf is no authority.
        let fake = CertificateParams::new(["x".to_owned()]).unwrap();
        let fake = fake
            .signed_by(&root_key, &Issuer::new(CertificateParams::new(["h".to_owned()]).unwrap(), &leaf_key))
            .unwrap();
        assert!(!verify_chain(&parsed(&fake), &[leaf, middle], roots, now));
    }
}
