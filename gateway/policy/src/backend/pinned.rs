//! Server certificates that are known by themselves, as clusters of Service Fabric have them.

use gateway_expression::clr::crypto::{Certificate, NameKind, has_signed};

use crate::certificates::plain_hex;

/// Certificates of a server; one that fits is enough.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct PinnedServer {
    /// SHA-1 of the certificates, upper-case hexadecimal digits.
    pub thumbprints: Vec<String>,
    /// Common names, each with the thumbprint of the certificate that signed for it.
    pub names: Vec<(String, String)>,
}

impl PinnedServer {
    /// What a cluster names; `None` when it names nothing.
    pub fn of(cluster: &gateway_model::resource::ServiceFabricCluster) -> Option<Self> {
        let thumbprints = cluster.server_certificate_thumbprints.iter().map(|text| plain_hex(text)).collect();
        let names = cluster.server_x509_names.iter();
        let names =
            names.map(|name| (name.name.clone(), plain_hex(&name.issuer_certificate_thumbprint))).collect();
        let pinned = Self { thumbprints, names };
        (!pinned.thumbprints.is_empty() || !pinned.names.is_empty()).then_some(pinned)
    }

    /// Whether a certificate (DER), shown together with others, is one of them.
    pub fn is(&self, leaf: &[u8], others: &[&[u8]]) -> bool {
        let Ok(leaf) = Certificate::parse(leaf) else { return false };
        let own = plain_hex(&leaf.thumbprint());
        if self.thumbprints.contains(&own) {
            return true;
        }
        let name = leaf.name_info(NameKind::SimpleName, false);
        self.names.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).any(|(_, issuer)| {
            let mut issuers = others.iter().filter_map(|der| Certificate::parse(der).ok());
            // A certificate may have signed for itself.
            own == *issuer
                || issuers.any(|candidate| {
                    plain_hex(&candidate.thumbprint()) == *issuer && has_signed(&candidate, &leaf)
                })
        })
    }
}
