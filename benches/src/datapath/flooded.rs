//! Namespaces into whose gateway's end a flood comes.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use gateway_tests::namespaces::{CLIENT_MAC, CLIENT_V4, GATEWAY_INTERFACE, GATEWAY_MAC, Namespace, World};

/// Of the listener.
pub const PORT: u16 = 8080;
/// Of the flood.
pub const SOURCE_PORT: u16 = 40_000;

/// Two ends, of which the gateway's receives frames as a driver does, and knows the way back to the flood's sources.
pub fn world() -> anyhow::Result<World> {
    let world = World::new().context("namespaces cannot be made here")?;
    inside(&world.gateway, &["ethtool", "-K", GATEWAY_INTERFACE, "gro", "on"], "")?;
    world.gateway.ip(&format!("route add 20.0.0.0/8 via {CLIENT_V4}"));
    Ok(world)
}

/// Runs a program in a namespace; what it has said.
pub fn inside(namespace: &Namespace, words: &[&str], input: &str) -> anyhow::Result<String> {
    let (program, arguments) = words.split_first().context("a program")?;
    namespace.run(|| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
        child.stdin.take().context("standard input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}", words.join(" "), complaint.lines().next().unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    })
}

/// A SYN to the listener; the flood fills in the source, and keeps a right checksum right. Few sources are one in each
/// network.
pub fn frame(few_sources: bool, answered: bool) -> Vec<u8> {
    let mut frame = [GATEWAY_MAC, CLIENT_MAC].concat();
    frame.extend([
        0x08,
        0,
        0x45,
        u8::from(few_sources),
        0,
        40,
        0,
        1,
        0x40,
        0,
        64,
        6,
        0,
        0,
        0,
        0,
        0,
        0,
        192,
        0,
        2,
        2,
    ]);
    frame.extend(SOURCE_PORT.to_be_bytes());
    frame.extend(PORT.to_be_bytes());
    // Sequence, acknowledgment, 5 words, SYN.
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0]);
    let pseudo = [&frame[26..34], &[0, 6, 0, 20], &frame[34..]].concat();
    let sum: u32 = pseudo.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    // Where nobody listens, it is left wrong, so that the stack answers nothing.
    let checksum = if answered { checksum } else { !checksum };
    frame[50..52].copy_from_slice(&checksum.to_be_bytes());
    frame.extend([0; 6]);
    frame
}
