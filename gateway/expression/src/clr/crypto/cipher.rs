//! `Encrypt` and `Decrypt` of byte arrays: AES in CBC mode with PKCS #7 padding.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;

use crate::clr::exception::{Error, ExceptionKind, Result};

const BLOCK_BYTES: usize = 16;

/// `data.Encrypt(algorithm, key, iv)`.
///
/// # Errors
/// `CryptographicException` for a key or vector of the wrong length; `NotSupportedException` for an algorithm
/// other than AES.
pub fn encrypt(data: &[u8], algorithm: &str, key: &[u8], iv: &[u8]) -> Result<Vec<u8>> {
    let (key, iv) = checked(algorithm, key, iv)?;
    let mut bytes = data.to_vec();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|_| failed())?;
    cipher.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(iv)).map_err(|_| failed())?;
    Ok(bytes)
}

/// `data.Decrypt(algorithm, key, iv)`.
///
/// # Errors
/// As [`encrypt`]; `CryptographicException` for wrong padding or length.
pub fn decrypt(data: &[u8], algorithm: &str, key: &[u8], iv: &[u8]) -> Result<Vec<u8>> {
    let (key, iv) = checked(algorithm, key, iv)?;
    if !data.len().is_multiple_of(BLOCK_BYTES) {
        return Err(Error::cryptographic("The input data is not a complete block."));
    }
    if data.is_empty() {
        return Ok(Vec::new());
    }
    let mut bytes = data.to_vec();
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| failed())?;
    let plain = cipher
        .decrypt(&mut bytes, DecryptionContext::Iv128(iv))
        .map_err(|_| Error::cryptographic("Padding is invalid and cannot be removed."))?;
    Ok(plain.to_vec())
}

fn failed() -> Error {
    Error::of(ExceptionKind::Cryptographic)
}

fn checked(algorithm: &str, key: &[u8], iv: &[u8]) -> Result<(UnboundCipherKey, FixedLength<BLOCK_BYTES>)> {
    let short = algorithm.rsplit('.').next().unwrap_or(algorithm).to_ascii_lowercase();
    let names = ["aes", "aesmanaged", "aescryptoserviceprovider", "aescng", "rijndael", "rijndaelmanaged"];
    if !names.contains(&short.as_str()) {
        let text = format!("The algorithm '{algorithm}' is not supported.");
        return Err(Error::new(ExceptionKind::NotSupported, text));
    }
    let cipher = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err(Error::cryptographic("Specified key is not a valid size for this algorithm.")),
    };
    let iv = FixedLength::try_from(iv).map_err(|_| {
        Error::cryptographic(
            "Specified initialization vector (IV) does not match the block size for this algorithm.",
        )
    })?;
    Ok((UnboundCipherKey::new(cipher, key).map_err(|_| failed())?, iv))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::encoding::to_base64;
    use proptest::prelude::*;

    const IV: [u8; 16] = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

    fn key(length: usize) -> Vec<u8> {
        let tail: &[u8] = if length == 24 { &[0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77] } else { &[] };
        let ring: Vec<u8> = (0..16).cycle().take(length - tail.len()).collect();
        [ring.as_slice(), tail].concat()
    }

    #[test]
    fn ciphertexts_are_those_of_openssl() {
        let table = [
            (16, "g4yef7z8M/3azSyWr0Vz0PBfpIGcII6YgO7XQwfXl7o="),
            (24, "snxqiGFP40pEPSiysqUTVgZHjKi396Cggaua14wLDfg="),
            (32, "CR52/Ysh9lowTbJ80uZ6OakvAOwxemlNLx+ToDtjx98="),
        ];
        for (length, expected) in table {
            let made = encrypt(b"attack at dawn!!x", "Aes", &key(length), &IV).unwrap();
            assert_eq!(to_base64(&made), expected, "{length}");
            assert_eq!(decrypt(&made, "RijndaelManaged", &key(length), &IV).unwrap(), b"attack at dawn!!x");
        }
    }

    #[test]
    fn bad_arguments_are_refused_with_dotnet_texts() {
        let message = |result: Result<Vec<u8>>| result.unwrap_err().message;
        let good = encrypt(b"x", "Aes", &key(16), &IV).unwrap();
        assert_eq!(
            message(encrypt(b"x", "Aes", &[0; 5], &IV)),
            "Specified key is not a valid size for this algorithm."
        );
        assert_eq!(
            message(encrypt(b"x", "Aes", &key(16), &[0; 8])),
            "Specified initialization vector (IV) does not match the block size for this algorithm."
        );
        assert_eq!(
            message(decrypt(&good[1..], "Aes", &key(16), &IV)),
            "The input data is not a complete block."
        );
        assert_eq!(
            message(decrypt(&good, "Aes", &key(32), &IV)),
            "Padding is invalid and cannot be removed."
        );
        assert_eq!(encrypt(b"x", "DES", &[0; 8], &IV).unwrap_err().kind, ExceptionKind::NotSupported);
    }

    proptest! {
        #[test]
        fn bytes_read_back(bytes: Vec<u8>, junk: Vec<u8>) {
            let made = encrypt(&bytes, "AES", &key(32), &IV).unwrap();
            prop_assert_eq!(decrypt(&made, "AES", &key(32), &IV), Ok(bytes));
            let _ = decrypt(&junk, "AES", &key(16), &IV);
        }
    }
}
