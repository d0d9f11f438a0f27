//! RSA keys as numbers: made, imported, exported, and as the XML of `ToXmlString`.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};

use super::super::der;
use super::{RsaKey, failed};
use crate::clr::encoding::{from_base64, to_base64};
use crate::clr::exception::{Error, Result};

/// `RSAParameters`: big-endian numbers; those of the private half are empty for a public key.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are .NET's")]
pub struct RsaNumbers {
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
    pub d: Vec<u8>,
    pub p: Vec<u8>,
    pub q: Vec<u8>,
    pub dp: Vec<u8>,
    pub dq: Vec<u8>,
    pub inverse_q: Vec<u8>,
}

impl RsaNumbers {
    /// Names of `ToXmlString`'s elements, in its order, and their numbers.
    fn parts(&self) -> [(&'static str, &[u8]); 8] {
        [
            ("Modulus", &self.modulus),
            ("Exponent", &self.exponent),
            ("P", &self.p),
            ("Q", &self.q),
            ("DP", &self.dp),
            ("DQ", &self.dq),
            ("InverseQ", &self.inverse_q),
            ("D", &self.d),
        ]
    }
}

/// Big-endian bytes of a width, zeros in front.
fn padded(number: &[u8], width: usize) -> Vec<u8> {
    let digits = der::significant(number);
    let mut made = vec![0; width.saturating_sub(digits.len())];
    made.extend(digits);
    made
}

impl RsaKey {
    /// A new key of 2048 or 3072 bits. It takes some tenths of a second; longer ones would hold up a worker too long.
    ///
    /// # Errors
    /// `CryptographicException` for another size.
    pub fn generate(bits: i32) -> Result<Self> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            _ => return Err(Error::cryptographic("Specified key is not a valid size for this algorithm.")),
        };
        let pair = KeyPair::generate(size).map_err(|_| failed())?;
        let info: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
        Self::from_pkcs8(info.as_ref())
    }

    /// `ExportParameters(includePrivateParameters)`.
    ///
    /// # Errors
    /// `CryptographicException` when the private half is asked for and not there.
    pub fn parameters(&self, with_private: bool) -> Result<RsaNumbers> {
        let numbers = der::read_integers(der::inner_public_key(&self.public)?)?;
        let [modulus, exponent] = <[Vec<u8>; 2]>::try_from(numbers).map_err(|_| failed())?;
        if !with_private {
            return Ok(RsaNumbers { modulus, exponent, ..RsaNumbers::default() });
        }
        let numbers = der::read_integers(der::inner_key(&self.private()?.pkcs8)?)?;
        let [_, _, _, d, p, q, dp, dq, inverse_q] = numbers.as_slice() else { return Err(failed()) };
        let (width, half) = (modulus.len(), modulus.len().div_ceil(2));
        Ok(RsaNumbers {
            d: padded(d, width),
            p: padded(p, half),
            q: padded(q, half),
            dp: padded(dp, half),
            dq: padded(dq, half),
            inverse_q: padded(inverse_q, half),
            modulus,
            exponent,
        })
    }

    /// `ImportParameters(parameters)`.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn from_parameters(numbers: &RsaNumbers) -> Result<Self> {
        if numbers.modulus.is_empty() || numbers.exponent.is_empty() {
            return Err(Error::cryptographic(
                "The specified RSA parameters are not valid. Both Exponent and Modulus are required fields.",
            ));
        }
        if numbers.d.is_empty() {
            return Self::from_public_der(&der::integers(&[&numbers.modulus, &numbers.exponent]));
        }
        let key = der::integers(&[
            &[],
            &numbers.modulus,
            &numbers.exponent,
            &numbers.d,
            &numbers.p,
            &numbers.q,
            &numbers.dp,
            &numbers.dq,
            &numbers.inverse_q,
        ]);
        Self::from_pkcs8(&der::private_key_info(&key))
    }

    /// `ExportPkcs8PrivateKey()`.
    ///
    /// # Errors
    /// `CryptographicException` without a private half.
    pub fn private_info(&self) -> Result<&[u8]> {
        Ok(&self.private()?.pkcs8)
    }

    /// `ExportRSAPrivateKey()`.
    ///
    /// # Errors
    /// As [`RsaKey::private_info`].
    pub fn private_der(&self) -> Result<&[u8]> {
        der::inner_key(self.private_info()?)
    }

    /// `ExportRSAPublicKey()`.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn public_pkcs1(&self) -> Result<Vec<u8>> {
        let numbers = self.parameters(false)?;
        Ok(der::integers(&[&numbers.modulus, &numbers.exponent]))
    }

    /// `ToXmlString(includePrivateParameters)`.
    ///
    /// # Errors
    /// As [`RsaKey::parameters`].
    pub fn to_xml(&self, with_private: bool) -> Result<String> {
        let numbers = self.parameters(with_private)?;
        let parts = numbers.parts();
        let filled = parts.iter().filter(|(_, number)| !number.is_empty());
        let mut inner = String::new();
        for (name, number) in filled {
            inner.push_str(&["<", name, ">", &to_base64(number), "</", name, ">"].concat());
        }
        Ok(format!("<RSAKeyValue>{inner}</RSAKeyValue>"))
    }

    /// `FromXmlString(xmlString)`.
    ///
    /// # Errors
    /// `CryptographicException`, `FormatException`.
    pub fn from_xml(text: &str) -> Result<Self> {
        let number = |name: &str| -> Result<Vec<u8>> {
            let behind = text.split_once(&format!("<{name}>")).map(|(_, behind)| behind);
            match behind.and_then(|behind| behind.split_once(&format!("</{name}>"))) {
                Some((inner, _)) => from_base64(inner.trim()),
                None => Ok(Vec::new()),
            }
        };
        let numbers = RsaNumbers {
            modulus: number("Modulus")?,
            exponent: number("Exponent")?,
            d: number("D")?,
            p: number("P")?,
            q: number("Q")?,
            dp: number("DP")?,
            dq: number("DQ")?,
            inverse_q: number("InverseQ")?,
        };
        if numbers.modulus.is_empty() || numbers.exponent.is_empty() {
            return Err(Error::cryptographic(
                "Input string does not contain a valid encoding of the 'RSA' 'Modulus' parameter.",
            ));
        }
        Self::from_parameters(&numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::certificate::tests::sample;
    use super::*;

    #[test]
    fn keys_read_back_from_every_form() {
        let key = sample().private_key().unwrap();
        let numbers = key.parameters(true).unwrap();
        assert_eq!((numbers.modulus.len(), numbers.exponent.as_slice()), (256, &[1, 0, 1][..]));
        let copies = [
            RsaKey::from_parameters(&numbers).unwrap(),
            RsaKey::from_xml(&key.to_xml(true).unwrap()).unwrap(),
            RsaKey::from_pkcs8(&der::private_key_info(key.private_der().unwrap())).unwrap(),
        ];
        for copy in copies {
            assert!(copy.parameters(true).unwrap() == numbers && copy.public_der() == key.public_der());
        }
        let public = RsaKey::from_xml(&key.to_xml(false).unwrap()).unwrap();
        assert!(!public.has_private() && public.parameters(true).is_err());
        assert_eq!(
            RsaKey::from_public_der(&key.public_pkcs1().unwrap()).unwrap().public_der(),
            key.public_der()
        );
        assert!(RsaKey::generate(512).is_err() && RsaKey::from_xml("<RSAKeyValue/>").is_err());
    }
}
