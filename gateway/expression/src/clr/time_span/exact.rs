//! `TimeSpan.ParseExact`: a text read by a format.

use super::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan};
use crate::clr::exception::{Error, Result};

struct Reader<'a> {
    text: &'a [char],
    at: usize,
    /// Days, hours, minutes, seconds, ticks; each once.
    fields: [Option<i64>; 5],
}

/// Reads a text by a format; `negative`: `TimeSpanStyles.AssumeNegative`.
pub(super) fn parse(text: &str, format: &str, negative: bool) -> Result<TimeSpan> {
    let problem = || Error::format(format!("String '{text}' was not recognized as a valid TimeSpan."));
    match format {
        "c" | "t" | "T" => return super::parse::parse(text),
        "g" | "G" => return general(text, format == "G").ok_or_else(problem),
        _ if format.chars().count() < 2 => {
            return Err(Error::format("Input string was not in a correct format."));
        }
        _ => {}
    }
    let letters: Vec<char> = text.chars().collect();
    let mut reader = Reader { text: &letters, at: 0, fields: [None; 5] };
    let format: Vec<char> = format.chars().collect();
    let fits = reader.read(&format).is_some() && reader.at == letters.len();
    if !fits {
        return Err(problem());
    }
    let ticks = reader.ticks().ok_or_else(|| {
        Error::overflow(format!(
            "The TimeSpan string '{text}' could not be parsed because at least one of the numeric components is out \
             of range or contains too many digits."
        ))
    })?;
    Ok(TimeSpan(if negative { -ticks } else { ticks }))
}

/// `g`: `[-][d:]h:mm:ss[.f]`, `G`: `[-]d:hh:mm:ss.fffffff`.
fn general(text: &str, long: bool) -> Option<TimeSpan> {
    let text = text.trim();
    let pieces = text.split(':').count();
    if long && (pieces != 4 || !text.contains('.')) {
        return None;
    }
    super::parse::parse(text).ok()
}

impl Reader<'_> {
    fn literal(&mut self, wanted: char) -> Option<()> {
        if self.text.get(self.at) != Some(&wanted) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn number(&mut self, least: usize, most: usize) -> Option<(i64, usize)> {
        let start = self.at;
        let mut value = 0;
        while self.at - start < most
            && let Some(digit) = self.text.get(self.at).and_then(|c| c.to_digit(10))
        {
            value = value * 10 + i64::from(digit);
            self.at += 1;
        }
        let digits = self.at - start;
        (digits >= least).then_some((value, digits))
    }

    fn field(&mut self, place: usize, value: i64) -> Option<()> {
        let slot = self.fields.get_mut(place)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(value);
        Some(())
    }

    fn read(&mut self, format: &[char]) -> Option<()> {
        let mut at = 0;
        while let Some(letter) = format.get(at) {
            let count = format.iter().skip(at).take_while(|next| *next == letter).count();
            at += match letter {
                'd' if count > 8 => return None,
                // `d` takes as many digits as there are, `dd` and more exactly so many, zeros in front included.
                'd' => {
                    let (days, _) = self.number(count, if count == 1 { 8 } else { count })?;
                    self.field(0, days)?;
                    count
                }
                'h' | 'm' | 's' if count > 2 => return None,
                'h' | 'm' | 's' => {
                    let (value, _) = self.number(count, 2)?;
                    self.field(
                        if *letter == 'h' {
                            1
                        } else if *letter == 'm' {
                            2
                        } else {
                            3
                        },
                        value,
                    )?;
                    count
                }
                'f' | 'F' if count > 7 => return None,
                'f' | 'F' => {
                    let (value, digits) = self.number(if *letter == 'f' { count } else { 0 }, count)?;
                    self.field(4, value * 10_i64.pow(7 - digits as u32))?;
                    count
                }
                '\'' | '"' => {
                    let rest = format.get(at + 1..)?;
                    let end = rest.iter().position(|next| next == letter)?;
                    rest.iter().take(end).try_for_each(|c| self.literal(*c))?;
                    end + 2
                }
                '%' => {
                    format.get(at + 1).filter(|next| **next != '%')?;
                    1
                }
                '\\' => {
                    self.literal(*format.get(at + 1)?)?;
                    2
                }
                _ => return None,
            };
        }
        Some(())
    }

    fn ticks(&self) -> Option<i64> {
        let [days, hours, minutes, seconds, ticks] = self.fields.map(Option::unwrap_or_default);
        if days > 10_675_199 || hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let sum = i128::from(days) * i128::from(TICKS_PER_DAY)
            + i128::from(
                hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + seconds * TICKS_PER_SECOND + ticks,
            );
        i64::try_from(sum).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::vectors::outcome;

    #[test]
    fn texts_are_read_by_their_format() {
        let table = [
            ("1:02", "h\\:mm", "01:02:00"),
            ("3.04:05", "d\\.hh\\:mm", "3.04:05:00"),
            ("05.5", "ss\\.f", "00:00:05.5000000"),
            ("7", "%d", "7.00:00:00"),
            ("01:02:03", "c", "01:02:03"),
            ("1:2:3:4.5", "g", "1.02:03:04.5000000"),
            ("at 5", "'at 'h", "05:00:00"),
        ];
        for (text, format, expected) in table {
            assert_eq!(outcome(parse(text, format, false)), expected, "{text} by {format}");
        }
        assert_eq!(outcome(parse("1:02", "h\\:mm", true)), "-01:02:00");
        for (text, format) in [("1:2", "h\\:mm"), ("1:02 ", "h\\:mm"), ("x", "hh"), ("1", "h")] {
            assert!(parse(text, format, false).is_err(), "{text} by {format}");
        }
    }
}
