//! Custom numeric formats: `0 # . , % ‰ E+0 ; '…' \x`.

use super::digits::{Digits, Kind};
use super::standard::push_exponent;

/// What a first pass over a section finds.
#[derive(Default)]
struct Layout {
    /// Placeholders in all.
    places: i32,
    /// Placeholders before the point.
    point: i32,
    /// The first and one behind the last `0`.
    first_zero: Option<i32>,
    last_zero: i32,
    /// Powers of ten by which the value is scaled.
    shift: i32,
    grouped: bool,
    scientific: bool,
}

/// Formats a number with a custom format.
pub(super) fn apply(mut digits: Digits, format: &str) -> String {
    let format: Vec<char> = format.chars().collect();
    let wanted = match (digits.is_zero(), digits.negative) {
        (true, _) => 2,
        (_, true) => 1,
        _ => 0,
    };
    let mut start = section(&format, wanted);
    let layout = loop {
        let layout = Layout::read(format.get(start..).unwrap_or_default());
        if digits.is_zero() {
            if digits.kind != Kind::Floating {
                digits.negative = false;
            }
            digits.scale = 0;
            break layout;
        }
        digits.scale += layout.shift;
        let position =
            if layout.scientific { layout.places } else { digits.scale + layout.places - layout.point };
        digits.round(position, false);
        if digits.is_zero() {
            // Rounded to nothing: the section for zero takes over, if there is another.
            let zero = section(&format, 2);
            if zero != start {
                start = zero;
                continue;
            }
        }
        break layout;
    };
    let mut writer = Writer::new(&digits, &layout);
    writer.write(format.get(start..).unwrap_or_default());
    let text = writer.text;
    if digits.negative && start == 0 && (digits.scale != 0 || !text.is_empty()) {
        format!("-{text}")
    } else {
        text
    }
}

/// Where the n-th section starts; 0 when it is absent or empty.
fn section(format: &[char], wanted: usize) -> usize {
    if wanted == 0 {
        return 0;
    }
    let mut left = wanted;
    let mut at = 0;
    while let Some(c) = format.get(at) {
        at += 1;
        match c {
            '\'' | '"' => at = behind_quote(format, at, *c),
            '\\' => at += 1,
            ';' => {
                left -= 1;
                if left == 0 {
                    return if format.get(at).is_some_and(|next| *next != ';') { at } else { 0 };
                }
            }
            _ => {}
        }
    }
    0
}

fn behind_quote(format: &[char], mut at: usize, quote: char) -> usize {
    while let Some(c) = format.get(at) {
        at += 1;
        if *c == quote {
            break;
        }
    }
    at
}

/// Whether `E` at `at - 1` starts an exponent: `E0`, `E+0`, `E-0`.
fn is_exponent(format: &[char], at: usize) -> bool {
    match format.get(at) {
        Some('0') => true,
        Some('+' | '-') => format.get(at + 1) == Some(&'0'),
        _ => false,
    }
}

impl Layout {
    fn read(format: &[char]) -> Self {
        let mut layout = Self::default();
        let mut point = None;
        let mut comma: Option<(i32, i32)> = None;
        let mut at = 0;
        while let Some(c) = format.get(at) {
            at += 1;
            match c {
                ';' => break,
                '#' => layout.places += 1,
                '0' => {
                    layout.first_zero.get_or_insert(layout.places);
                    layout.places += 1;
                    layout.last_zero = layout.places;
                }
                '.' => {
                    point.get_or_insert(layout.places);
                }
                ',' if layout.places > 0 && point.is_none() => match &mut comma {
                    Some((place, count)) if *place == layout.places => *count += 1,
                    other => {
                        layout.grouped |= other.is_some();
                        *other = Some((layout.places, 1));
                    }
                },
                '%' => layout.shift += 2,
                '\u{2030}' => layout.shift += 3,
                '\'' | '"' => at = behind_quote(format, at, *c),
                '\\' => at += 1,
                'E' | 'e' if is_exponent(format, at) => {
                    at += 1;
                    while format.get(at) == Some(&'0') {
                        at += 1;
                    }
                    layout.scientific = true;
                }
                _ => {}
            }
        }
        layout.point = point.unwrap_or(layout.places);
        match comma {
            Some((place, count)) if place == layout.point => layout.shift -= 3 * count,
            Some(_) => layout.grouped = true,
            None => {}
        }
        layout
    }
}

struct Writer<'a> {
    digits: &'a Digits,
    layout: &'a Layout,
    /// The place to be written next, counted down to 0 at the point.
    place: i32,
    /// Above zero: digits left of the first placeholder. Below: placeholders left of the first digit.
    ahead: i32,
    /// Places at or above this print a zero.
    first_zero: i32,
    /// Places above this print a zero.
    last_zero: i32,
    next: usize,
    point_written: bool,
    exponent_written: bool,
    grouped_from: i32,
    text: String,
}

impl<'a> Writer<'a> {
    fn new(digits: &'a Digits, layout: &'a Layout) -> Self {
        let first_zero = layout.first_zero.map_or(0, |first| (layout.point - first).max(0));
        let last_zero = (layout.point - layout.last_zero).min(0);
        let (place, ahead) = if layout.scientific {
            (layout.point, 0)
        } else {
            (digits.scale.max(layout.point), digits.scale - layout.point)
        };
        let shown = first_zero.max(place + ahead.min(0));
        Self {
            digits,
            layout,
            place,
            ahead,
            first_zero,
            last_zero,
            next: 0,
            point_written: false,
            exponent_written: !layout.scientific,
            grouped_from: if layout.grouped { shown } else { 0 },
            text: String::new(),
        }
    }

    fn digit(&mut self) -> Option<char> {
        let digit = self.digits.list.get(self.next).map(|digit| char::from(*digit));
        self.next += usize::from(digit.is_some());
        digit
    }

    fn push(&mut self, digit: char) {
        self.text.push(digit);
        let left = self.place - 1;
        if left > 0 && left % 3 == 0 && left < self.grouped_from {
            self.text.push(',');
        }
    }

    fn write(&mut self, format: &[char]) {
        let mut at = 0;
        while let Some(c) = format.get(at) {
            at += 1;
            if matches!(c, '#' | '0' | '.') {
                while self.ahead > 0 {
                    let digit = self.digit().unwrap_or('0');
                    self.push(digit);
                    self.place -= 1;
                    self.ahead -= 1;
                }
            }
            match c {
                ';' => break,
                '#' | '0' => self.placeholder(),
                '.' => self.point(),
                ',' => {}
                '\'' | '"' => {
                    let end = behind_quote(format, at, *c);
                    let closed = end > at && format.get(end - 1) == Some(c);
                    self.text.extend(format.get(at..end - usize::from(closed)).unwrap_or_default());
                    at = end;
                }
                '\\' => {
                    self.text.extend(format.get(at));
                    at += 1;
                }
                'E' | 'e' => at = self.exponent(format, at, *c),
                other => self.text.push(*other),
            }
        }
    }

    fn placeholder(&mut self) {
        let digit = if self.ahead < 0 {
            self.ahead += 1;
            (self.place <= self.first_zero).then_some('0')
        } else {
            self.digit().or_else(|| (self.place > self.last_zero).then_some('0'))
        };
        if let Some(digit) = digit {
            self.push(digit);
        }
        self.place -= 1;
    }

    fn point(&mut self) {
        if self.place != 0 || self.point_written {
            return;
        }
        let more = self.layout.point < self.layout.places && self.next < self.digits.list.len();
        if self.last_zero < 0 || more {
            self.text.push('.');
            self.point_written = true;
        }
    }

    fn exponent(&mut self, format: &[char], mut at: usize, letter: char) -> usize {
        if !is_exponent(format, at) || self.exponent_written {
            self.text.push(letter);
            if self.exponent_written {
                if let Some(sign @ ('+' | '-')) = format.get(at) {
                    self.text.push(*sign);
                    at += 1;
                }
                while format.get(at) == Some(&'0') {
                    self.text.push('0');
                    at += 1;
                }
            }
            return at;
        }
        let plus = format.get(at) == Some(&'+');
        at += usize::from(format.get(at) != Some(&'0'));
        let start = at;
        while format.get(at) == Some(&'0') {
            at += 1;
        }
        let exponent = if self.digits.is_zero() { 0 } else { self.digits.scale - self.layout.point };
        push_exponent(&mut self.text, exponent, letter as u8, (at - start).min(10), plus);
        self.exponent_written = true;
        at
    }
}
