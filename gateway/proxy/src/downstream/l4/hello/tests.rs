use std::sync::Arc;

use proptest::prelude::*;
use rustls::client::{ClientConfig, ClientConnection};
use rustls::pki_types::ServerName;

use super::*;

/// What rustls says first; `None`: without a name.
fn real(name: Option<&str>) -> Vec<u8> {
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    config.enable_sni = name.is_some();
    let name = ServerName::try_from(name.unwrap_or("a.example").to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

/// The message in records of these sizes, the last of what is left.
fn in_records(message: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut rest, mut bytes) = (message, Vec::new());
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (part, left) = rest.split_at(size.min(rest.len()));
        rest = left;
        if !part.is_empty() {
            bytes.extend([22, 3, 1]);
            bytes.extend((part.len() as u16).to_be_bytes());
            bytes.extend(part);
        }
    }
    bytes
}

/// A `ClientHello` with these extensions.
fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, content) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend((content.len() as u16).to_be_bytes());
        list.extend(*content);
    }
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend((list.len() as u16).to_be_bytes());
    body.extend(list);
    let mut message = vec![1];
    message.extend(&(body.len() as u32).to_be_bytes()[1..]);
    message.extend(body);
    message
}

fn name(text: &str) -> Vec<u8> {
    let mut content = ((text.len() + 3) as u16).to_be_bytes().to_vec();
    content.push(0);
    content.extend((text.len() as u16).to_be_bytes());
    content.extend(text.as_bytes());
    content
}

fn named(text: &str) -> Hello {
    Hello::Name(text.into())
}

#[test]
fn read_takes_the_name_of_a_real_client() {
    assert_eq!(read(&real(Some("API.example"))), named("api.example"));
    assert_eq!(read(&real(None)), Hello::Nameless);
}

#[test]
fn read_skips_what_it_does_not_know() {
    let own = name("a.example.");
    // GREASE (RFC 8701) and Encrypted ClientHello (RFC 9849) before and behind.
    let message = hello(&[(0x0a0a, &[]), (0xfe0d, &[1, 2, 3]), (0, &own), (0xfafa, &[0])]);
    assert_eq!(read(&in_records(&message, &[])), named("a.example"));
}

#[test]
fn read_what_is_contradictory_is_malformed() {
    let own = name("a.example");
    let two = [own.clone(), own.clone()].concat();
    let cases: [(&str, Vec<u8>); 10] = [
        ("HTTP", b"GET / HTTP/1.1\r\n".to_vec()),
        ("SSL 2", vec![0x80, 0x2e, 1, 3, 1]),
        ("an alert", vec![21, 3, 1, 0, 2, 1, 0]),
        ("an empty record", vec![22, 3, 1, 0, 0]),
        ("a record too long", vec![22, 3, 1, 0x40, 1]),
        ("a ServerHello", in_records(&[2, 0, 0, 1, 0], &[])),
        ("a message too long", in_records(&[1, 1, 0, 0, 3], &[])),
        ("two names", in_records(&hello(&[(0, &own), (0, &own)]), &[])),
        ("a list with more behind", in_records(&hello(&[(0, &two)]), &[])),
        ("a name with a zero byte", in_records(&hello(&[(0, &name("a\0.example"))]), &[])),
    ];
    for (case, bytes) in cases {
        let read = read(&bytes);
        // The message too long is only known to be so when its bytes come.
        let expected = if case == "a message too long" { Hello::More } else { Hello::Malformed };
        assert_eq!(read, expected, "{case}");
    }
    let mut endless = in_records(&[1, 1, 0, 0, 3], &[]);
    for _ in 0..HELLO_BYTES_MAX / 100 {
        endless.extend(in_records(&[0; 100], &[]));
    }
    assert_eq!(read(&endless), Hello::Malformed);
}

proptest! {
    #[test]
    fn read_is_the_same_however_the_message_is_cut(sizes in prop::collection::vec(1_usize..300, 0..6), at: prop::sample::Index) {
        let message = hello(&[(0x1a1a, &[]), (0, &name("b.example")), (43, &[2, 3, 4])]);
        let bytes = in_records(&message, &sizes);
        prop_assert_eq!(read(&bytes), named("b.example"));
        prop_assert_eq!(read(&bytes[..at.index(bytes.len())]), Hello::More);
        // What follows the message is not looked at.
        prop_assert_eq!(read(&[&bytes[..], b"anything"].concat()), named("b.example"));
    }

    #[test]
    fn read_survives_anything(mut bytes in prop::collection::vec(any::<u8>(), 0..600), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        read(&bytes);
        bytes.splice(..0, [22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
        read(&bytes);
        let mut real = in_records(&hello(&[(0, &name("c.example"))]), &[]);
        for (at, byte) in flips {
            let at = at.index(real.len());
            real[at] = byte;
        }
        read(&real);
    }
}
