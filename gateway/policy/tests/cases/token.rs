//! Tokens and keys of cases: made when a case runs, by the keys in `keys/`.
//!
//! A token is written `[ALG/ENC@KEY] KEY {header} {claims}`: signed by the second KEY (`rs`, `rs2`, `ec256`, `ec384`,
//! `ec521`, `hs`, or `none`), and encrypted for the first one when that is given.

use std::path::PathBuf;

use aes_kw::{KeyInit, KwAes192};
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, KeyPair, RsaKeyPair,
};
use gateway_policy::jose::encode;
use serde_json::{Value, json};

/// The shared secret of the cases; its base64 stands in their policies.
pub const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// A file of `keys/`.
pub fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rsa(name: &str) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&file(&format!("{name}.der"))).unwrap()
}

fn ec(name: &str) -> EcdsaKeyPair {
    let algorithm = match name {
        "ec256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
        "ec384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    EcdsaKeyPair::from_pkcs8(algorithm, &file(&format!("{name}.der"))).unwrap()
}

/// The public half as a member of a key set; its `kid` is the key's name.
pub fn jwk(name: &str) -> Value {
    if name.starts_with("rs") {
        // PKCS #1: nine bytes before the 256 of the modulus, then the exponent, which is 65537.
        let n = encode(&rsa(name).public_key().as_ref()[9..265]);
        return json!({"kty": "RSA", "kid": name, "n": n, "e": "AQAB"});
    }
    let pair = ec(name);
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let curve = format!("P-{}", &name[2..]);
    json!({"kty": "EC", "crv": curve, "kid": name, "x": encode(x), "y": encode(y)})
}

/// Makes a token as its line says.
pub fn make(line: &str) -> String {
    let (first, rest) = line.split_once(' ').unwrap();
    let Some((how, recipient)) = first.split_once('@') else { return signed(first, rest) };
    let (signer, rest) = rest.split_once(' ').unwrap();
    let content = if signer == "plain" { rest.to_owned() } else { signed(signer, rest) };
    let (algorithm, encryption) = how.split_once('/').unwrap();
    encrypted(&content, algorithm, encryption, recipient)
}

fn signed(key: &str, parts: &str) -> String {
    let end = parts.find("} ").map_or(parts.len(), |at| at + 1);
    let (header, claims) = parts.split_at(end);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(claims.trim().as_bytes()));
    let signature = sign(key, header, input.as_bytes());
    format!("{input}.{}", encode(&signature))
}

fn sign(key: &str, header: &str, input: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    match key {
        "none" => Vec::new(),
        "hs" => {
            let algorithm = match header {
                header if header.contains("HS384") => hmac::HMAC_SHA384,
                header if header.contains("HS512") => hmac::HMAC_SHA512,
                _ => hmac::HMAC_SHA256,
            };
            hmac::sign(&hmac::Key::new(algorithm, SECRET), input).as_ref().to_vec()
        }
        // The public key as a shared secret: what `alg` confusion does.
        "rs-public" => {
            let pair = rsa("rs");
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public.as_ref()), input).as_ref().to_vec()
        }
        name if name.starts_with("rs") => {
            let pair = rsa(name);
            let encodings: [(&str, &'static dyn signature::RsaEncoding); 5] = [
                ("RS384", &signature::RSA_PKCS1_SHA384),
                ("RS512", &signature::RSA_PKCS1_SHA512),
                ("PS256", &signature::RSA_PSS_SHA256),
                ("PS384", &signature::RSA_PSS_SHA384),
                ("PS512", &signature::RSA_PSS_SHA512),
            ];
            let found = encodings.iter().find(|(name, _)| header.contains(name));
            let encoding = found.map_or(&signature::RSA_PKCS1_SHA256 as _, |(_, encoding)| *encoding);
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, input, &mut out).unwrap();
            out
        }
        name => ec(name).sign(&random, input).unwrap().as_ref().to_vec(),
    }
}

fn encrypted(content: &str, algorithm: &str, encryption: &str, recipient: &str) -> String {
    let key_length = match encryption {
        "A128CBC-HS256" | "A256GCM" => 32,
        "A192CBC-HS384" => 48,
        "A256CBC-HS512" => 64,
        "A192GCM" => 24,
        _ => 16,
    };
    let key = if algorithm == "dir" { SECRET[..key_length].to_vec() } else { vec![0x5A; key_length] };
    let header = encode(json!({"alg": algorithm, "enc": encryption}).to_string().as_bytes());
    let wrapped = wrap(&key, algorithm, recipient);
    let (iv, text, tag) = seal(&key, encryption, header.as_bytes(), content.as_bytes());
    [header, encode(&wrapped), encode(&iv), encode(&text), encode(&tag)].join(".")
}

fn wrap(key: &[u8], algorithm: &str, recipient: &str) -> Vec<u8> {
    let mut out = vec![0; 512];
    match algorithm {
        "dir" => Vec::new(),
        "A128KW" => {
            AesKek::new(&key_wrap::AES_128, &SECRET[..16]).unwrap().wrap(key, &mut out).unwrap().to_vec()
        }
        "A192KW" => {
            KwAes192::new_from_slice(&SECRET[..24]).unwrap().wrap_key(key, &mut out).unwrap().to_vec()
        }
        "A256KW" => AesKek::new(&key_wrap::AES_256, SECRET).unwrap().wrap(key, &mut out).unwrap().to_vec(),
        _ => {
            let pair = rsa(recipient);
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
            let public = PublicEncryptingKey::from_der(public.as_ref()).unwrap();
            let public = OaepPublicEncryptingKey::new(public).unwrap();
            let padding = if algorithm == "RSA-OAEP" { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
            public.encrypt(padding, key, &mut out, None).unwrap().to_vec()
        }
    }
}

fn seal(key: &[u8], encryption: &str, header: &[u8], content: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let mut text = content.to_vec();
    if encryption.ends_with("GCM") {
        let algorithm = match key.len() {
            16 => &aead::AES_128_GCM,
            24 => &aead::AES_192_GCM,
            _ => &aead::AES_256_GCM,
        };
        let sealing = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
        let nonce = Nonce::assume_unique_for_key([7; 12]);
        let tag = sealing.seal_in_place_separate_tag(nonce, Aad::from(header), &mut text).unwrap();
        return (vec![7; 12], text, tag.as_ref().to_vec());
    }
    let (mac_key, cipher_key) = key.split_at(key.len() / 2);
    let (cipher, mac) = match cipher_key.len() {
        16 => (&AES_128, hmac::HMAC_SHA256),
        24 => (&AES_192, hmac::HMAC_SHA384),
        _ => (&AES_256, hmac::HMAC_SHA512),
    };
    let sealing =
        PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_key).unwrap()).unwrap();
    let context = EncryptionContext::Iv128(FixedLength::from([7; 16]));
    sealing.less_safe_encrypt(&mut text, context).unwrap();
    let bits = (header.len() as u64 * 8).to_be_bytes();
    let message = [header, &[7; 16], &text, &bits].concat();
    let tag = hmac::sign(&hmac::Key::new(mac, mac_key), &message);
    (vec![7; 16], text.clone(), tag.as_ref()[..mac_key.len()].to_vec())
}
