//! What is loaded and attached, for `GET /datapath` and `gateway datapath status`.

use serde::{Deserialize, Serialize};

use crate::balance::VirtualAddressStatus;
use crate::settings::{Ingress, Steering};
use crate::shed::ShedStatus;
use crate::tier::Tier;

/// Whether the kernel path works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    On,
    /// See [`Status::reason`].
    Off,
}

/// Everything there is to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub state: State,
    /// Why it is off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What the kernel offers.
    #[serde(default)]
    pub tier: Tier,
    /// False after the kill switch: the programs pass everything uncounted.
    pub enabled: bool,
    pub interfaces: Vec<InterfaceStatus>,
    pub listeners: Vec<ListenerStatus>,
    pub programs: Vec<ProgramStatus>,
    /// How connections are spread over workers; never [`Steering::Auto`]; `None` where nothing spreads them.
    pub steering: Option<Steering>,
    pub shed: ShedStatus,
    /// Virtual addresses that are balanced here.
    #[serde(default)]
    pub balance: Vec<VirtualAddressStatus>,
    /// Listeners whose queue of new connections overflows.
    #[serde(default)]
    pub flooded: Vec<String>,
    /// One line for each feature that is not in use, with the reason.
    pub refused: Vec<String>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    pub name: String,
    pub index: u32,
    /// How arriving packets are counted; never [`Ingress::Auto`].
    pub ingress: Ingress,
    /// The gateway has chosen how, has done so just now, and takes it back if the interface does not work with it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub on_trial: bool,
    /// Leaving packets are counted.
    pub egress: bool,
    /// One line for each mode that was tried in vain.
    pub refused: Vec<String>,
    /// One line for each mode with which the interface did not work.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<String>,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    pub name: String,
    pub bindings: Vec<String>,
}

/// One loaded program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramStatus {
    pub name: String,
    pub id: u32,
    /// Hash of the instructions, in hexadecimal.
    pub tag: String,
    /// Instructions the verifier walked, where the kernel tells.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verified_instructions: Option<u32>,
    /// Where it is attached right now, as the kernel says.
    pub attached: Vec<String>,
    /// While the kernel's statistics are on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub runs: Option<Runs>,
}

/// What a program has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    pub count: u64,
    pub nanoseconds: u64,
}

impl Status {
    /// Off, and why.
    pub(crate) fn off(reason: &str) -> Self {
        Self {
            state: State::Off,
            reason: Some(reason.to_owned()),
            tier: Tier::default(),
            enabled: false,
            interfaces: Vec::new(),
            listeners: Vec::new(),
            programs: Vec::new(),
            steering: None,
            shed: ShedStatus::default(),
            balance: Vec::new(),
            flooded: Vec::new(),
            refused: Vec::new(),
        }
    }
}
