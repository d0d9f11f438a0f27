//! The way to an address, as the kernel's tables have it (rtnetlink(7)).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike as _};

/// The kernel answers at once, or not at all.
const PATIENCE_SECONDS: i64 = 1;

/// How packets get to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is this host's own.
    Here,
    By(Hop),
}

/// The next host on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Index of the interface.
    pub interface: u32,
    /// The address that this host has there.
    pub source: IpAddr,
    /// Hardware addresses of the next host, and of the interface.
    pub next: [u8; 6],
    pub from: [u8; 6],
    /// The longest IP packet.
    pub mtu: u32,
}

/// Asks about the network namespace in which it was opened.
#[derive(Debug)]
pub struct Routes(OwnedFd);

const ERROR: u16 = 2;
pub(super) const GET_LINK: u16 = 18;
const GET_ROUTE: u16 = 26;
pub(super) const GET_NEIGHBOUR: u16 = 30;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// `NLM_F_ACK`: an answer also to what changes something.
pub(super) const ACKNOWLEDGE: u16 = 4;
/// `RTN_LOCAL`.
const LOCAL: u8 = 2;
/// `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;
/// `struct rtmsg` and `struct ndmsg`.
pub(super) const MESSAGE: usize = 12;
/// `struct ifinfomsg`.
pub(super) const LINK_MESSAGE: usize = 16;

/// Attributes of each kind of message.
mod attribute {
    pub const LINK_ADDRESS: u16 = 1;
    pub const LINK_MTU: u16 = 4;
    pub const ROUTE_TO: u16 = 1;
    pub const ROUTE_INTERFACE: u16 = 4;
    pub const ROUTE_GATEWAY: u16 = 5;
    pub const ROUTE_SOURCE: u16 = 7;
    pub const NEIGHBOUR_OF: u16 = 1;
    pub const NEIGHBOUR_ADDRESS: u16 = 2;
}

impl Routes {
    pub fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        setsockopt(&socket, ReceiveTimeout, &TimeVal::seconds(PATIENCE_SECONDS))?;
        Ok(Self(socket))
    }

    /// The way to an address. Errors: there is no route; the next host's hardware address is not known (yet).
    pub fn way(&self, to: IpAddr) -> io::Result<Way> {
        let route = self.ask(GET_ROUTE, 0, &route_question(to))?;
        // The eighth byte of `struct rtmsg`.
        if route.get(HEADER + 7) == Some(&LOCAL) {
            return Ok(Way::Here);
        }
        let absent = |what: &str| io::Error::other(format!("the route to {to} has no {what}"));
        let of_route = |kind| attribute(&route, HEADER + MESSAGE, kind);
        let interface = of_route(attribute::ROUTE_INTERFACE).and_then(number);
        let interface = interface.ok_or_else(|| absent("interface"))?;
        let source = of_route(attribute::ROUTE_SOURCE).and_then(address);
        let source = source.ok_or_else(|| absent("source address"))?;
        let next = of_route(attribute::ROUTE_GATEWAY).and_then(address).unwrap_or(to);
        let neighbour = self.ask(GET_NEIGHBOUR, 0, &neighbour_question(interface, next))?;
        let hardware = attribute(&neighbour, HEADER + MESSAGE, attribute::NEIGHBOUR_ADDRESS).and_then(mac);
        let unknown = || io::Error::other(format!("the hardware address of {next} is not known"));
        let hardware = hardware.ok_or_else(unknown)?;
        let link = self.ask(GET_LINK, 0, &link_question(interface))?;
        let of_link = |kind| attribute(&link, HEADER + LINK_MESSAGE, kind);
        let from = of_link(attribute::LINK_ADDRESS).and_then(mac).ok_or_else(|| absent("Ethernet"))?;
        let mtu = of_link(attribute::LINK_MTU).and_then(number).ok_or_else(|| absent("MTU"))?;
        Ok(Way::By(Hop { interface, source, next: hardware, from, mtu }))
    }

    pub(super) fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut question = Vec::with_capacity(HEADER + body.len());
        question.extend((HEADER as u32 + body.len() as u32).to_ne_bytes());
        question.extend(kind.to_ne_bytes());
        question.extend((REQUEST | flags).to_ne_bytes());
        // Sequence and port: nobody else uses the socket.
        question.extend([0; 8]);
        question.extend(body);
        let socket = self.0.as_raw_fd();
        send(socket, &question, MsgFlags::empty())?;
        let mut answer = vec![0; 8192];
        let length = recv(socket, &mut answer, MsgFlags::empty())?;
        answer.truncate(length);
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let answered = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
        if answered.ok_or_else(short)? == ERROR {
            let code = answer.get(HEADER..HEADER + 4).and_then(number).ok_or_else(short)?;
            if code != 0 {
                return Err(io::Error::from_raw_os_error(-(code as i32)));
            }
        }
        Ok(answer)
    }
}

fn family(of: IpAddr) -> u8 {
    if of.is_ipv6() { libc::AF_INET6 as u8 } else { libc::AF_INET as u8 }
}

fn route_question(to: IpAddr) -> Vec<u8> {
    let bits = if to.is_ipv6() { 128 } else { 32 };
    let mut body = vec![family(to), bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    put_address(&mut body, attribute::ROUTE_TO, to);
    body
}

pub(super) fn neighbour_question(interface: u32, of: IpAddr) -> Vec<u8> {
    let mut body = vec![family(of), 0, 0, 0];
    body.extend(interface.to_ne_bytes());
    body.extend([0; 4]);
    put_address(&mut body, attribute::NEIGHBOUR_OF, of);
    body
}

pub(super) fn link_question(interface: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(interface.to_ne_bytes());
    body.extend([0; 8]);
    body
}

fn put_address(body: &mut Vec<u8>, kind: u16, address: IpAddr) {
    let bytes = match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    body.extend((4 + bytes.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(bytes);
}

/// The value of the first attribute of that kind.
pub(super) fn attribute(message: &[u8], start: usize, wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(start..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        let value = rest.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

fn mac(bytes: &[u8]) -> Option<[u8; 6]> {
    bytes.try_into().ok()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    <[u8; 16]>::try_from(bytes).ok().map(|six| IpAddr::V6(Ipv6Addr::from(six)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn way_to_an_own_address_is_here() {
        let routes = Routes::open().unwrap();
        assert_eq!(routes.way("127.0.0.1".parse().unwrap()).unwrap(), Way::Here);
    }

    #[test]
    fn attribute_cut_off_anywhere_is_none() {
        let message = [8, 0, 1, 0, 1, 2, 3, 4, 6, 0, 2, 0, 5, 6, 0, 0, 8, 0, 3, 0, 7, 8, 9, 10];
        assert_eq!(attribute(&message, 0, 2), Some(&[5, 6][..]));
        assert_eq!(attribute(&message, 0, 3), Some(&[7, 8, 9, 10][..]));
        assert_eq!(attribute(&message, 0, 4), None);
        for end in 0..message.len() {
            assert_eq!(attribute(&message[..end], 0, 3), None);
        }
        assert_eq!(attribute(&[0; 8], 0, 1), None, "a length that leads nowhere");
    }
}
