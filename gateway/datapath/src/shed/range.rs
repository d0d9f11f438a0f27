//! Ranges of addresses as prefixes, and what ranges leave out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::prefix::Prefix;

/// A range of addresses of one family, both ends included.
pub type Range = (IpAddr, IpAddr);

/// The fewest prefixes that make up a range; none if its ends are of two families or the wrong way round.
pub fn prefixes(range: Range) -> Vec<Prefix> {
    match range {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            cover(u128::from(u32::from(from)), u128::from(u32::from(to)), 32)
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => cover(u128::from(from), u128::from(to), 128),
        _ => Vec::new(),
    }
}

/// The range that a prefix stands for.
pub fn of_prefix(prefix: Prefix) -> Range {
    match prefix.address() {
        IpAddr::V4(from) => {
            let rest = u32::MAX.checked_shr(u32::from(prefix.bits())).unwrap_or(0);
            (IpAddr::V4(from), IpAddr::V4(Ipv4Addr::from(u32::from(from) | rest)))
        }
        IpAddr::V6(from) => {
            let rest = u128::MAX.checked_shr(u32::from(prefix.bits())).unwrap_or(0);
            (IpAddr::V6(from), IpAddr::V6(Ipv6Addr::from(u128::from(from) | rest)))
        }
    }
}

/// All addresses of both families that are in none of the ranges.
pub fn outside(ranges: &[Range]) -> Vec<Prefix> {
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    for range in ranges {
        match *range {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                v4.push((u128::from(u32::from(from)), u128::from(u32::from(to))));
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => v6.push((u128::from(from), u128::from(to))),
            _ => {}
        }
    }
    let mut prefixes = gaps(v4, 32);
    prefixes.extend(gaps(v6, 128));
    prefixes
}

fn gaps(mut ranges: Vec<(u128, u128)>, width: u8) -> Vec<Prefix> {
    ranges.sort_unstable();
    let last = u128::MAX >> (128 - u32::from(width));
    let mut prefixes = Vec::new();
    let mut next = Some(0);
    for (from, to) in ranges {
        let Some(start) = next else { break };
        if from > start {
            prefixes.extend(cover(start, from - 1, width));
        }
        if to >= start {
            next = (to < last).then(|| to + 1);
        }
    }
    if let Some(start) = next {
        prefixes.extend(cover(start, last, width));
    }
    prefixes
}

fn cover(from: u128, to: u128, width: u8) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    let mut next = (from <= to).then_some(from);
    while let Some(start) = next {
        // As many low bits as the start leaves free, and as the end allows.
        let mut free = start.trailing_zeros().min(u32::from(width));
        let end = |free: u32| start | u128::MAX.checked_shr(128 - free).unwrap_or(0);
        while end(free) > to {
            free -= 1;
        }
        prefixes.push(Prefix::around(address(start, width), width - free as u8));
        next = end(free).checked_add(1).filter(|start| *start <= to);
    }
    prefixes
}

fn address(value: u128, width: u8) -> IpAddr {
    if width == 32 { Ipv4Addr::from(value as u32).into() } else { Ipv6Addr::from(value).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str) -> Range {
        (from.parse().unwrap(), to.parse().unwrap())
    }

    fn texts(prefixes: &[Prefix]) -> Vec<String> {
        prefixes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn prefixes_by_table() {
        let table: [(&str, &str, &[&str]); 6] = [
            ("192.0.2.0", "192.0.2.255", &["192.0.2.0/24"]),
            ("192.0.2.5", "192.0.2.8", &["192.0.2.5", "192.0.2.6/31", "192.0.2.8"]),
            ("0.0.0.0", "255.255.255.255", &["0.0.0.0/0"]),
            ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &["::/0"]),
            ("2001:db8::1", "2001:db8::3", &["2001:db8::1", "2001:db8::2/127"]),
            ("192.0.2.9", "192.0.2.8", &[]),
        ];
        for (from, to, expected) in table {
            assert_eq!(texts(&prefixes(range(from, to))), expected, "{from} to {to}");
        }
    }

    #[test]
    fn of_prefix_and_back() {
        for text in ["0.0.0.0/0", "203.0.113.0/24", "203.0.113.7", "::/0", "2001:db8::/32", "2001:db8::1"] {
            let prefix: Prefix = text.parse().unwrap();
            assert_eq!(prefixes(of_prefix(prefix)), [prefix]);
        }
    }

    #[test]
    fn outside_together_with_the_ranges_is_everything_once() {
        assert_eq!(texts(&outside(&[])), ["0.0.0.0/0", "::/0"]);
        assert_eq!(texts(&outside(&[range("0.0.0.0", "127.255.255.255")])), ["128.0.0.0/1", "::/0"]);
        let ranges = [
            range("192.0.2.7", "192.0.2.7"),
            range("10.0.0.0", "10.255.255.255"),
            range("10.1.0.0", "11.0.0.0"),
            range("255.255.255.255", "255.255.255.255"),
            range("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ];
        let rest = outside(&ranges);
        // Each bound, and both its neighbours, is on exactly one side.
        let within = |address: IpAddr| {
            ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&address) && from.is_ipv4() == address.is_ipv4())
        };
        let mut checked = 0;
        for (from, to) in ranges {
            for bound in [from, to] {
                let IpAddr::V4(bound) = bound else { continue };
                for address in
                    [u32::from(bound).wrapping_sub(1), u32::from(bound), u32::from(bound).wrapping_add(1)]
                {
                    let address = IpAddr::from(Ipv4Addr::from(address));
                    let holders = rest.iter().filter(|prefix| prefix.covers(Prefix::host(address))).count();
                    assert_eq!(holders, usize::from(!within(address)), "{address}");
                    checked += 1;
                }
            }
        }
        assert_eq!(checked, 24);
        assert!(!rest.iter().any(|prefix| prefix.overlaps("2001:db8::/32".parse().unwrap())));
    }
}
