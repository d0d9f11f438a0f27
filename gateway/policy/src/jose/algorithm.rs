//! Signature algorithms (RFC 7518 §3.1).

/// A hash, by its length in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A signature algorithm. There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC.
    Hs(Hash),
    /// RSASSA-PKCS1-v1_5.
    Rs(Hash),
    /// RSASSA-PSS.
    Ps(Hash),
    /// ECDSA over the curve that goes with the hash.
    Es(Hash),
}

impl Algorithm {
    /// The value of `alg`, which is case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        let (family, hash) = name.split_at_checked(2)?;
        let hash = match hash {
            "256" => Hash::Sha256,
            "384" => Hash::Sha384,
            "512" => Hash::Sha512,
            _ => return None,
        };
        match family {
            "HS" => Some(Self::Hs(hash)),
            "RS" => Some(Self::Rs(hash)),
            "PS" => Some(Self::Ps(hash)),
            "ES" => Some(Self::Es(hash)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_knows_the_twelve_and_nothing_else() {
        for family in ["HS", "RS", "PS", "ES"] {
            for hash in ["256", "384", "512"] {
                assert!(Algorithm::parse(&format!("{family}{hash}")).is_some());
            }
        }
        for name in ["none", "None", "", "rs256", "RS1", "RS256 ", "ES256K", "EdDSA", "é256"] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }
}
