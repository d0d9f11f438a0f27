//! `ip-filter` (`policies.md` A 2.2).

use std::net::IpAddr;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{AddressFilter, Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::{Element, Position};

pub static IP_FILTER: PolicyDef = PolicyDef {
    element: "ip-filter",
    sections: &[Section::Inbound],
    attributes: &[required("action", Kind::OneOf(&["allow", "forbid"])).expression()],
    content: Content::Elements(&[
        child("address", (0, MANY), &[], Content::Text { expression: true }),
        child(
            "address-range",
            (0, MANY),
            &[required("from", Kind::Text).expression(), required("to", Kind::Text).expression()],
            Content::Empty,
        ),
    ]),
    once: false,
    docs: "Lets through (`allow`) or refuses (`forbid`) callers whose address is listed; IPv4 and IPv6, both ends of \
           a range included, IPv4-mapped IPv6 addresses are IPv4. Compared with the address of the connection's \
           peer. Refused: 403 `Forbidden`, reason CallerIpNotAllowed or CallerIpBlocked.",
    compile,
};

struct IpFilter {
    action: TextArg,
    entries: Vec<Entry>,
}

enum Entry {
    One(Address),
    /// Both ends included.
    Range(Address, Address),
}

enum Address {
    Literal(IpAddr),
    Expression(TextArg),
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let action = c.text(element, "action");
    let mut entries = Vec::new();
    for entry in element.elements() {
        entries.extend(match &*entry.name {
            "address" => address(&entry.text(), entry.text_at(), c).map(Entry::One),
            _ => range(entry, c),
        });
    }
    if element.elements().next().is_none() {
        c.error("xsd", element.at, "The element 'ip-filter' has incomplete content. List of possible elements expected: 'address, address-range'.");
    }
    let policy = IpFilter { action: action?, entries };
    (c.findings() == before).then(|| Step::sync(policy))
}

fn range(entry: &Element, c: &mut Compiler<'_>) -> Option<Entry> {
    let end = |name: &str, c: &mut Compiler<'_>| {
        let attribute = entry.attribute(name)?;
        address(&attribute.value, attribute.at, c)
    };
    let (from, to) = (end("from", c), end("to", c));
    if let (Some(Address::Literal(from)), Some(Address::Literal(to))) = (&from, &to) {
        if from.is_ipv4() != to.is_ipv4() {
            c.error(
                "address-invalid",
                entry.at,
                format!("The range from {from} to {to} mixes IPv4 and IPv6."),
            );
        } else if from > to {
            c.error("address-invalid", entry.at, format!("The range from {from} to {to} is empty."));
        }
    }
    Some(Entry::Range(from?, to?))
}

fn address(text: &str, at: Position, c: &mut Compiler<'_>) -> Option<Address> {
    let argument = c.text_of(text.trim(), at)?;
    let Some(literal) = argument.literal() else { return Some(Address::Expression(argument)) };
    if let Some(address) = parse(literal) {
        Some(Address::Literal(address))
    } else {
        c.error("address-invalid", at, format!("'{literal}' is not an IP address."));
        None
    }
}

/// An address in its canonical form: an IPv4-mapped IPv6 address is the IPv4 address it stands for.
fn parse(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok().map(|address: IpAddr| address.to_canonical())
}

impl Address {
    fn get(&self, exchange: &Exchange) -> Result<IpAddr, Fault> {
        match self {
            Self::Literal(address) => Ok(*address),
            Self::Expression(argument) => {
                let text = argument.get(exchange)?;
                parse(&text).ok_or_else(|| Fault::expression(&format!("'{text}' is not an IP address.")))
            }
        }
    }
}

impl IpFilter {
    fn lists(&self, caller: IpAddr, exchange: &Exchange) -> Result<bool, Fault> {
        for entry in &self.entries {
            let holds = match entry {
                Entry::One(address) => address.get(exchange)? == caller,
                Entry::Range(from, to) => {
                    let (from, to) = (from.get(exchange)?, to.get(exchange)?);
                    // IPv4 orders before IPv6, so a range from one to the other would hold strangers.
                    from.is_ipv4() == to.is_ipv4() && (from..=to).contains(&caller)
                }
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Entry {
    /// Its ends, if both are literal.
    fn literal(&self) -> Option<(IpAddr, IpAddr)> {
        match self {
            Self::One(Address::Literal(address)) => Some((*address, *address)),
            Self::Range(Address::Literal(from), Address::Literal(to)) => Some((*from, *to)),
            _ => None,
        }
    }
}

impl Policy for IpFilter {
    fn address_filter(&self) -> Option<AddressFilter> {
        let allows = match self.action.literal()? {
            "allow" => true,
            "forbid" => false,
            _ => return None,
        };
        let ranges = self.entries.iter().map(Entry::literal).collect::<Option<_>>()?;
        Some(AddressFilter { allows, ranges })
    }

    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let caller = exchange.connection.peer.to_canonical();
        let listed = self.lists(caller, exchange)?;
        let (reason, text) = match &*self.action.get(exchange)? {
            "allow" if listed => return Ok(Flow::Continue),
            "forbid" if !listed => return Ok(Flow::Continue),
            "allow" => {
                ("CallerIpNotAllowed", format!("Caller IP address {caller} is not allowed. Access denied."))
            }
            "forbid" => ("CallerIpBlocked", "Caller IP address is blocked. Access denied.".to_owned()),
            other => return Err(Fault::expression(&format!("'{other}' is neither allow nor forbid."))),
        };
        Err(Fault::new(403, "Forbidden", "ip-filter", reason, text))
    }
}
