//! The few DER structures of RSA keys (RFC 8017 §A.1, RFC 5208 §5): sequences of positive integers.

use crate::clr::exception::{Error, ExceptionKind, Result};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `AlgorithmIdentifier` of RSA: the object identifier 1.2.840.113549.1.1.1 and NULL.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

fn failed() -> Error {
    Error::of(ExceptionKind::Cryptographic)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut made = vec![tag];
    let bytes: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if content.len() < 0x80 {
        made.push(content.len() as u8);
    } else {
        made.push(0x80 | bytes.len() as u8);
        made.extend(bytes);
    }
    made.extend(content);
    made
}

/// A positive integer of big-endian bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let digits = significant(bytes);
    let mut content = Vec::with_capacity(digits.len() + 1);
    // The first bit is the sign.
    if digits.first().is_none_or(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend(digits);
    element(INTEGER, &content)
}

/// Big-endian bytes without zeros in front.
pub(super) fn significant(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// `SEQUENCE` of integers.
pub(super) fn integers(numbers: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &numbers.iter().flat_map(|number| integer(number)).collect::<Vec<u8>>())
}

/// `PrivateKeyInfo` around an `RSAPrivateKey`.
pub(super) fn private_key_info(key: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[integer(&[]), RSA.to_vec(), element(OCTET_STRING, key)].concat())
}

/// The first element: its tag, its content, and what follows.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let fits = digits.len() <= 4;
        (digits.iter().filter(|_| fits).fold(0, |all, digit| all << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The integers of a `SEQUENCE`, without the zeros in front.
///
/// # Errors
/// `CryptographicException`.
pub(super) fn read_integers(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let (tag, mut rest, _) = split(bytes).ok_or_else(failed)?;
    let mut numbers = Vec::new();
    while tag == SEQUENCE && !rest.is_empty() {
        let (tag, content, behind) = split(rest).ok_or_else(failed)?;
        if tag != INTEGER {
            return Err(failed());
        }
        numbers.push(significant(content).to_vec());
        rest = behind;
    }
    Ok(numbers)
}

/// The `RSAPrivateKey` inside a `PrivateKeyInfo`.
///
/// # Errors
/// `CryptographicException`.
pub(super) fn inner_key(info: &[u8]) -> Result<&[u8]> {
    let (_, content, _) = split(info).ok_or_else(failed)?;
    let (_, _, behind_version) = split(content).ok_or_else(failed)?;
    let (_, _, behind_algorithm) = split(behind_version).ok_or_else(failed)?;
    match split(behind_algorithm) {
        Some((OCTET_STRING, key, _)) => Ok(key),
        _ => Err(failed()),
    }
}

/// The `RSAPublicKey` inside a `SubjectPublicKeyInfo`.
///
/// # Errors
/// `CryptographicException`.
pub(super) fn inner_public_key(info: &[u8]) -> Result<&[u8]> {
    const BIT_STRING: u8 = 0x03;
    let (_, content, _) = split(info).ok_or_else(failed)?;
    let (_, _, behind_algorithm) = split(content).ok_or_else(failed)?;
    // The first byte counts the bits that the last byte leaves out: none.
    match split(behind_algorithm) {
        Some((BIT_STRING, [0, key @ ..], _)) => Ok(key),
        _ => Err(failed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_read_back() {
        let long = [0x81_u8; 300];
        let numbers: [&[u8]; 4] = [&[], &[0, 5], &[0x80], &long];
        let read = read_integers(&integers(&numbers)).unwrap();
        assert_eq!(read, [vec![], vec![5], vec![0x80], long.to_vec()]);
        let key = integers(&[&[1], &[2]]);
        assert_eq!(inner_key(&private_key_info(&key)).unwrap(), key);
        assert!(read_integers(&[0x30, 0x84, 1, 1, 1, 1]).is_err() && inner_key(&[]).is_err());
    }
}
