//! The same reading, slow and plain: it takes the packet apart into copies, front to back.

use gateway_common::{Parsed, Protocol, Verdict};

/// What is left of a packet, and where that begins.
struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        if count > self.rest.len() {
            return None;
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        self.at += count;
        Some(taken.to_vec())
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number * 256 + usize::from(*byte))
}

fn protocol(number: u8) -> Protocol {
    match number {
        6 => Protocol::Tcp,
        17 => Protocol::Udp,
        _ => Protocol::Other,
    }
}

fn plain(protocol: Protocol, verdict: Verdict) -> Parsed {
    Parsed {
        protocol,
        verdict,
        source_port: 0,
        destination_port: 0,
        tcp_flags: 0,
        v6: false,
        network: 0,
        payload: 0,
    }
}

pub fn parse(frame: &[u8]) -> Parsed {
    read(frame).unwrap_or(plain(Protocol::Other, Verdict::Unparsed))
}

/// `None`: the packet ended, or contradicts itself, before the transport header.
fn read(frame: &[u8]) -> Option<Parsed> {
    let mut reader = Reader { rest: frame, at: 0 };
    reader.take(12)?;
    let mut tags = 0;
    let ether_type = loop {
        let ether_type = number(&reader.take(2)?);
        if ether_type != 0x8100 && ether_type != 0x88a8 {
            break ether_type;
        }
        if tags == 2 {
            return None;
        }
        tags += 1;
        reader.take(2)?;
        // A tag counts with the type behind it.
        if reader.rest.len() < 2 {
            return None;
        }
    };
    match ether_type {
        0x0800 => v4(reader),
        0x86dd => v6(reader),
        _ => Some(plain(Protocol::Other, Verdict::Pass)),
    }
}

fn v4(mut reader: Reader<'_>) -> Option<Parsed> {
    let network = reader.at;
    let header = reader.take(20)?;
    let words = usize::from(header[0] % 16);
    if header[0] / 16 != 4 || words < 5 {
        return None;
    }
    let kind = header[9];
    if number(&header[6..8]) & 0x3fff != 0 {
        return Some(Parsed { network, ..plain(protocol(kind), Verdict::Fragment) });
    }
    let total = number(&header[2..4]);
    if total != 0 && total < words * 4 {
        return None;
    }
    let stated = if total == 0 { None } else { Some(total - words * 4) };
    // Options that the packet does not hold leave nothing to read the ports from.
    let options = reader.take(words * 4 - 20).is_some();
    Some(transport(options.then_some(reader), kind, stated, false, network))
}

fn v6(mut reader: Reader<'_>) -> Option<Parsed> {
    let network = reader.at;
    let header = reader.take(40)?;
    if header[0] / 16 != 6 {
        return None;
    }
    let mut next = header[6];
    let mut walked = 0;
    let mut held = true;
    let mut headers = 0;
    while [0, 43, 44, 60].contains(&next) {
        if !held {
            return None;
        }
        let begin = reader.rest.get(..2)?.to_vec();
        if next == 44 {
            return Some(Parsed { v6: true, network, ..plain(protocol(begin[0]), Verdict::Fragment) });
        }
        if headers == 4 {
            return None;
        }
        headers += 1;
        let bytes = 8 + usize::from(begin[1]) * 8;
        walked += bytes;
        next = begin[0];
        held = reader.take(bytes).is_some();
    }
    let payload = number(&header[4..6]);
    if payload != 0 && payload < walked {
        return None;
    }
    let stated = if payload == 0 { None } else { Some(payload - walked) };
    Some(transport(held.then_some(reader), next, stated, true, network))
}

/// `reader` is `None` when the packet ended before the transport header.
fn transport(
    reader: Option<Reader<'_>>,
    kind: u8,
    stated: Option<usize>,
    v6: bool,
    network: usize,
) -> Parsed {
    let parsed = Parsed { v6, network, ..plain(protocol(kind), Verdict::Pass) };
    let unparsed = Parsed { verdict: Verdict::Unparsed, ..parsed };
    let shortest = match kind {
        6 => 20,
        17 => 8,
        _ => return parsed,
    };
    let Some(mut reader) = reader else { return unparsed };
    let Some(header) = reader.take(shortest) else { return unparsed };
    let length = if kind == 6 { usize::from(header[12] / 16) * 4 } else { 8 };
    if length < shortest || stated.is_some_and(|stated| stated < length) {
        return unparsed;
    }
    Parsed {
        source_port: number(&header[0..2]) as u16,
        destination_port: number(&header[2..4]) as u16,
        tcp_flags: if kind == 6 { header[13] } else { 0 },
        payload: reader.at - shortest + length,
        ..parsed
    }
}
