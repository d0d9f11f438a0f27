//! One interface: the best mode that works there, with a line for each that did not.

use std::io;

use crate::capability::{Need, explain};
use crate::datapath::HandedLink;
use crate::interface::Interface;
use crate::kernel::{self, AttachPoint, Link};
use crate::load::{Loaded, LoadedProgram, name};
use crate::probation::Probation;
use crate::settings::Ingress;

/// How arriving packets are to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub setting: Ingress,
    /// Decides with [`Ingress::Attack`].
    pub under_attack: bool,
}

impl Wish {
    /// While there is no attack.
    pub const fn calm(setting: Ingress) -> Self {
        Self { setting, under_attack: false }
    }
}

/// An interface with what is attached to it. Dropping it detaches.
#[derive(Debug)]
pub struct Attachment {
    pub interface: Interface,
    pub ingress: Ingress,
    pub egress: bool,
    pub refused: Vec<String>,
    pub past: Past,
    /// Until it is known that the interface works as it did before.
    pub probation: Option<Probation>,
    /// With the program's name.
    pub links: Vec<(&'static str, Link)>,
}

/// What has been found on the interface since the start.
#[derive(Debug, Default)]
pub struct Past {
    /// Modes that are not tried again.
    pub taken_back: Vec<Ingress>,
    /// A line for each mode with which the interface did not work.
    pub findings: Vec<String>,
}

impl Attachment {
    /// Attaches as `wish` asks. Never fails: what is refused is in the result. An attachment that is `handed`
    /// over is taken.
    pub fn new(interface: Interface, wish: Wish, loaded: &Loaded, handed: &[HandedLink]) -> Self {
        Self::after(Past::default(), interface, wish, loaded, handed)
    }

    /// Detaches, and attaches as `wish` asks now.
    pub fn again(self, wish: Wish, loaded: &Loaded) -> Self {
        let Self { interface, past, links, .. } = self;
        drop(links);
        Self::after(past, interface, wish, loaded, &[])
    }

    /// True while a program of ours sees arriving packets: somebody may have detached a link behind our back.
    pub fn sees_arriving(&self) -> bool {
        self.is_live(|program| program != name::EGRESS_TC)
    }

    pub fn sees_leaving(&self) -> bool {
        self.is_live(|program| program == name::EGRESS_TC)
    }

    fn is_live(&self, wanted: fn(&str) -> bool) -> bool {
        self.links.iter().any(|(program, link)| wanted(program) && link.attached().is_some())
    }

    fn after(past: Past, interface: Interface, wish: Wish, loaded: &Loaded, handed: &[HandedLink]) -> Self {
        let mut this = Self {
            interface,
            ingress: Ingress::Off,
            egress: false,
            refused: Vec::new(),
            past,
            probation: None,
            links: Vec::new(),
        };
        if wish.setting == Ingress::Off {
            return this;
        }
        // The programs read an Ethernet header first; a tunnel has none.
        if !kernel::is_ethernet(&this.interface.name).unwrap_or(false) {
            this.refused.push(format!("interface {}: no Ethernet frames there", this.interface.name));
            return this;
        }
        let before = Probation::before(&this.interface);
        for mode in modes(wish, Device::of(&this.interface, loaded)) {
            if this.past.taken_back.contains(mode) {
                continue;
            }
            if this.take_over(*mode, loaded, handed) {
                this.ingress = *mode;
                break;
            }
            let Some(program) = mode.program() else { continue };
            if this.attach(&format!("{mode} counting"), program, ingress(*mode, this.interface.index), loaded)
            {
                this.ingress = *mode;
                this.watch(wish, before);
                break;
            }
        }
        if loaded.cookies {
            this.refused.extend(without_cookies(
                &this.interface.name,
                this.ingress,
                this.interface.is_veth(),
            ));
        }
        if this.ingress != Ingress::Off {
            let point = AttachPoint::TcxEgress(this.interface.index);
            this.egress = this.attach("counting of leaving packets", name::EGRESS_TC, point, loaded);
        }
        this
    }

    /// Looks from now on whether the interface works as it did `before`.
    fn watch(&mut self, wish: Wish, before: io::Result<Probation>) {
        let chosen = matches!(wish.setting, Ingress::Auto | Ingress::Attack);
        // It touches no device, and nothing better would come after it.
        if chosen && self.ingress == Ingress::Tcx {
            return;
        }
        match before {
            Ok(before) => self.probation = Some(before.begin(chosen)),
            Err(error) => {
                let interface = self.interface.name.as_str();
                tracing::warn!(interface, %error, "whether it works with the datapath's program is not looked at");
            }
        }
    }

    /// Puts our program where another process of the gateway has its own.
    fn take_over(&mut self, mode: Ingress, loaded: &Loaded, handed: &[HandedLink]) -> bool {
        let fits = |link: &&HandedLink| link.interface == self.interface.index && link.mode == mode;
        let Some(handed) = handed.iter().find(fits) else { return false };
        let Some(program) = loaded.program(name::INGRESS) else { return false };
        let taken = handed.link.update(program).and_then(|()| handed.link.try_clone());
        match taken {
            Ok(link) => {
                self.links.push((name::INGRESS, link));
                true
            }
            Err(error) => {
                let feature = format!("{mode} attachment on {}", self.interface.name);
                self.refused.push(explain(&feature, Need::Attach, &error));
                false
            }
        }
    }

    fn attach(&mut self, what: &str, program: &'static str, point: AttachPoint<'_>, loaded: &Loaded) -> bool {
        // A program that was not loaded has its own line among the refused.
        let Some(loaded) = loaded.program(program) else { return false };
        match create(loaded, point) {
            Ok(link) => {
                self.links.push((program, link));
                true
            }
            Err(error) => {
                let feature = format!("{what} on {}", self.interface.name);
                self.refused.push(explain(&feature, Need::Attach, &error));
                false
            }
        }
    }
}

fn create(program: &LoadedProgram, point: AttachPoint<'_>) -> io::Result<Link> {
    Link::create(program, point)
}

/// Why no SYN cookie reaches anybody by this interface, and what helps.
fn without_cookies(name: &str, ingress: Ingress, is_veth: bool) -> Option<String> {
    match ingress {
        Ingress::Tcx => Some(format!(
            "SYN cookies on {name}: only XDP sends them, and tcx is in use there (setting datapath.xdp)"
        )),
        // Linux drops what native XDP sends into a veth whose other end has no XDP program (veth_xdp_xmit).
        Ingress::Native if is_veth => Some(format!(
            "SYN cookies on {name}: what native XDP sends is lost in a veth whose other end has no XDP program: \
             set datapath.xdp=generic unless it has one"
        )),
        _ => None,
    }
}

/// What the choice of a mode goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Device {
    Hardware,
    Virtual,
    /// A veth, and programs that send: cookies, or packets to members. Native XDP's are lost there, as said above.
    SendingVeth,
}

impl Device {
    fn of(interface: &Interface, loaded: &Loaded) -> Self {
        match interface.is_virtual() {
            false => Self::Hardware,
            true if (loaded.cookies || loaded.balance) && interface.is_veth() => Self::SendingVeth,
            true => Self::Virtual,
        }
    }
}

/// What is tried, in order.
fn modes(wish: Wish, device: Device) -> &'static [Ingress] {
    match wish.setting {
        Ingress::Auto if device != Device::Hardware => &[Ingress::Tcx],
        Ingress::Auto => &[Ingress::Native, Ingress::Tcx, Ingress::Generic],
        Ingress::Attack if wish.under_attack && device == Device::SendingVeth => {
            &[Ingress::Generic, Ingress::Tcx]
        }
        // Somebody else's program may be in the way of native XDP, or a driver without.
        Ingress::Attack if wish.under_attack => &[Ingress::Native, Ingress::Tcx],
        Ingress::Native => &[Ingress::Native],
        Ingress::Generic => &[Ingress::Generic],
        Ingress::Tcx | Ingress::Attack => &[Ingress::Tcx],
        Ingress::Off => &[],
    }
}

fn ingress(mode: Ingress, index: u32) -> AttachPoint<'static> {
    match mode {
        Ingress::Native => AttachPoint::XdpNative(index),
        Ingress::Generic => AttachPoint::XdpGeneric(index),
        Ingress::Auto | Ingress::Tcx | Ingress::Attack | Ingress::Off => AttachPoint::TcxIngress(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_cookies_names_the_remedy() {
        let why = |ingress, is_veth| without_cookies("eth0", ingress, is_veth).unwrap_or_default();
        assert!(why(Ingress::Tcx, false).contains("setting datapath.xdp"));
        assert!(why(Ingress::Native, true).contains("datapath.xdp=generic"));
        assert_eq!(why(Ingress::Native, false) + &why(Ingress::Generic, true), "");
    }

    #[test]
    fn modes_auto_spares_virtual_interfaces_xdp() {
        assert_eq!(modes(Wish::calm(Ingress::Auto), Device::Virtual), [Ingress::Tcx]);
        assert_eq!(
            modes(Wish::calm(Ingress::Auto), Device::Hardware),
            [Ingress::Native, Ingress::Tcx, Ingress::Generic]
        );
        assert_eq!(modes(Wish::calm(Ingress::Native), Device::Virtual), [Ingress::Native]);
        assert_eq!(modes(Wish::calm(Ingress::Attack), Device::Hardware), [Ingress::Tcx]);
        let attacked = Wish { setting: Ingress::Attack, under_attack: true };
        assert_eq!(modes(attacked, Device::Virtual), [Ingress::Native, Ingress::Tcx]);
        assert_eq!(modes(attacked, Device::SendingVeth), [Ingress::Generic, Ingress::Tcx]);
    }
}
