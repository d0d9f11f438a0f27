//! UTF-7 (RFC 2152) as .NET writes it: what is not direct goes in runs of base64 between `+` and `-`.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn is_direct(unit: u16) -> bool {
    u8::try_from(unit).is_ok_and(|byte| byte.is_ascii_alphanumeric() || b"\t\n\r '(),-./:?".contains(&byte))
}

fn digit(value: u32) -> u8 {
    DIGITS.get((value & 63) as usize).copied().unwrap_or(b'A')
}

/// Bits that wait for a digit, and how many; `None` outside of a run.
type Run = Option<(u32, u32)>;

fn end(out: &mut Vec<u8>, run: &mut Run) {
    if let Some((bits, count)) = run.take() {
        if count > 0 {
            out.push(digit(bits << (6 - count)));
        }
        out.push(b'-');
    }
}

/// `GetBytes`.
pub(super) fn encode(units: &[u16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(units.len());
    let mut run: Run = None;
    for unit in units {
        if is_direct(*unit) {
            end(&mut out, &mut run);
            out.push(*unit as u8);
        } else if run.is_none() && *unit == u16::from(b'+') {
            out.extend(b"+-");
        } else {
            if run.is_none() {
                out.push(b'+');
            }
            let (bits, mut count) = run.unwrap_or((0, 0));
            let bits = (bits << 16) | u32::from(*unit);
            count += 16;
            while count >= 6 {
                count -= 6;
                out.push(digit(bits >> count));
            }
            run = Some((bits & ((1 << count) - 1), count));
        }
    }
    end(&mut out, &mut run);
    out
}

/// `GetString`, as units; bytes beyond ASCII stand for themselves.
pub(super) fn decode(bytes: &[u8]) -> Vec<u16> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut run: Run = None;
    let mut is_first = false;
    for byte in bytes {
        let Some((bits, count)) = run else {
            if *byte == b'+' {
                (run, is_first) = (Some((0, 0)), true);
            } else {
                out.push(u16::from(*byte));
            }
            continue;
        };
        match DIGITS.iter().position(|known| known == byte) {
            Some(value) => {
                is_first = false;
                let (bits, count) = ((bits << 6) | value as u32, count + 6);
                if count >= 16 {
                    out.push((bits >> (count - 16)) as u16);
                    run = Some((bits & ((1 << (count - 16)) - 1), count - 16));
                } else {
                    run = Some((bits, count));
                }
            }
            None => {
                run = None;
                match byte {
                    b'-' if is_first => out.push(u16::from(b'+')),
                    b'-' => {}
                    other => out.push(u16::from(*other)),
                }
            }
        }
    }
    out
}
