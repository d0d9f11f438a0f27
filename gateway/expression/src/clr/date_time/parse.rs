//! `DateTime.Parse` of the invariant culture: ISO 8601, RFC 1123, month first numbers, English month names.
//!
//! The text is cut into a date, a time, a day of the week and an offset, which may come in several orders.

use super::format::{DAYS, MONTHS};
use super::{DateTime, calendar};
use crate::clr::exception::{Error, Result};
use crate::clr::time_span::{TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// Two-digit years up to this one are of the 21st century.
const TWO_DIGIT_YEAR_MAX: i32 = 29;
pub(super) const OFFSET_MINUTES_MAX: i32 = 14 * 60;

/// A clock reading and the offset the text gave for it.
pub(super) struct Parsed {
    pub clock: DateTime,
    pub offset_minutes: Option<i32>,
}

/// Why a text is no date; each has its own message.
enum Failure {
    Shape,
    Word(usize),
    Calendar,
    DayOfWeek,
    Offset,
}

type Outcome<T> = std::result::Result<T, Failure>;

pub(super) fn parse(text: &str, today: DateTime) -> Result<Parsed> {
    let mut reader = Reader::new(text);
    reader.read().and_then(|()| reader.resolve(today)).map_err(|failure| {
        let quoted = format!("tring '{text}' was not recognized as a valid DateTime");
        Error::format(match failure {
            Failure::Shape => format!("S{quoted}."),
            Failure::Word(at) => format!("The s{quoted}. There is an unknown word starting at index '{at}'."),
            Failure::DayOfWeek => format!("S{quoted} because the day of week was incorrect."),
            Failure::Calendar => format!(
                "The DateTime represented by the string '{text}' is not supported in calendar \
                 'System.Globalization.GregorianCalendar'."
            ),
            Failure::Offset => {
                format!("The time zone offset of string '{text}' must be within plus or minus 14 hours.")
            }
        })
    })
}

/// A number of the date part; its width tells a year.
#[derive(Clone, Copy)]
struct Number {
    value: i32,
    digits: usize,
}

#[derive(Clone, Copy)]
struct Time {
    hour: i32,
    minute: i32,
    second: i32,
    fraction_ticks: i64,
    afternoon: Option<bool>,
}

struct Reader {
    text: Vec<char>,
    at: usize,
    numbers: Vec<Number>,
    month: Option<i32>,
    /// How many numbers came before the month's name.
    before_month: usize,
    day_of_week: Option<i32>,
    time: Option<Time>,
    offset_minutes: Option<i32>,
    /// Nothing more belongs to the date: another part came after it.
    date_closed: bool,
}

impl Reader {
    fn new(text: &str) -> Self {
        // Like .NET, spaces and zero characters around do not count.
        Self {
            text: text.trim_end_matches(|c: char| c.is_whitespace() || c == '\0').chars().collect(),
            at: 0,
            numbers: Vec::new(),
            month: None,
            before_month: 0,
            day_of_week: None,
            time: None,
            offset_minutes: None,
            date_closed: false,
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn digits(&mut self) -> Option<Number> {
        let start = self.at;
        let mut value: i32 = 0;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            value = value.saturating_mul(10).saturating_add(digit as i32);
            self.at += 1;
        }
        let digits = self.at - start;
        (digits > 0).then_some(Number { value, digits })
    }

    fn read(&mut self) -> Outcome<()> {
        self.spaces();
        if self.peek().is_none() {
            return Err(Failure::Shape);
        }
        loop {
            self.spaces();
            while self.take(',') {
                self.spaces();
            }
            match self.peek() {
                None => return Ok(()),
                Some(c) if c.is_ascii_digit() => self.number()?,
                Some(c) if c.is_alphabetic() => self.word()?,
                Some('+' | '-') if self.has_date_or_time() && self.offset_minutes.is_none() => {
                    self.offset()?;
                }
                Some(_) => return Err(Failure::Shape),
            }
        }
    }

    fn has_date_or_time(&self) -> bool {
        self.time.is_some() || self.numbers.len() + usize::from(self.month.is_some()) >= 2
    }

    /// A number starts a time (`10:`, `10 PM`) or belongs to the date.
    fn number(&mut self) -> Outcome<()> {
        let number = self.digits().ok_or(Failure::Shape)?;
        if self.peek() == Some(':') {
            return self.clock(number, false);
        }
        let here = self.at;
        self.spaces();
        if let Some(afternoon) = self.half() {
            if self.time.is_some() || number.digits > 2 {
                return Err(Failure::Shape);
            }
            self.set_time(Time {
                hour: number.value,
                minute: 0,
                second: 0,
                fraction_ticks: 0,
                afternoon: Some(afternoon),
            })?;
            return Ok(());
        }
        self.at = here;
        self.date_number(number)?;
        // Separators stand between two parts of a date, or after a full one before an offset.
        if let Some(separator @ ('/' | '-' | '.')) = self.peek() {
            let full = self.numbers.len() + usize::from(self.month.is_some()) >= 3;
            if full && separator == '-' {
                return Ok(());
            }
            self.at += 1;
            let follows = self.peek().is_some_and(|c| c.is_ascii_digit() || c.is_alphabetic());
            if !follows || full {
                return Err(Failure::Shape);
            }
        }
        Ok(())
    }

    fn date_number(&mut self, number: Number) -> Outcome<()> {
        if self.date_closed || self.numbers.len() >= 3 || number.digits > 4 {
            return Err(Failure::Shape);
        }
        self.numbers.push(number);
        Ok(())
    }

    /// `AM` or `PM`; true after noon.
    fn half(&mut self) -> Option<bool> {
        let first = self.peek()?.to_ascii_uppercase();
        let second = self.text.get(self.at + 1)?.to_ascii_uppercase();
        let ends = self.text.get(self.at + 2).is_none_or(|c| !c.is_alphabetic());
        if second != 'M' || !ends || !matches!(first, 'A' | 'P') {
            return None;
        }
        self.at += 2;
        Some(first == 'P')
    }

    fn set_time(&mut self, time: Time) -> Outcome<()> {
        if self.time.is_some() {
            return Err(Failure::Shape);
        }
        self.time = Some(time);
        self.date_closed |= !self.numbers.is_empty() || self.month.is_some();
        Ok(())
    }

    /// `h:mm[:ss[.f]] [AM|PM]` behind its hour; strict after a `T`.
    fn clock(&mut self, hour: Number, strict: bool) -> Outcome<()> {
        let width = |number: Number| {
            let fits = number.digits <= 2 && (!strict || number.digits == 2);
            if fits { Ok(number.value) } else { Err(Failure::Shape) }
        };
        let hour = width(hour)?;
        if !self.take(':') {
            return Err(Failure::Shape);
        }
        let minute = width(self.digits().ok_or(Failure::Shape)?)?;
        let mut second = 0;
        let mut fraction_ticks = 0;
        if self.take(':') {
            second = width(self.digits().ok_or(Failure::Shape)?)?;
            if self.take('.') {
                fraction_ticks = self.fraction()?;
            }
        }
        let here = self.at;
        self.spaces();
        let afternoon = self.half();
        if afternoon.is_none() {
            self.at = here;
        }
        if matches!(self.peek(), Some(':' | '.' | '/')) {
            return Err(Failure::Shape);
        }
        self.set_time(Time { hour, minute, second, fraction_ticks, afternoon })
    }

    /// Digits behind the point, rounded to ticks.
    fn fraction(&mut self) -> Outcome<i64> {
        let start = self.at;
        let mut ticks: i64 = 0;
        let mut unit = TICKS_PER_SECOND;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            unit /= 10;
            ticks += i64::from(digit) * unit;
            if unit == 0 && self.at == start + 7 {
                ticks += i64::from(digit >= 5);
            }
            self.at += 1;
        }
        if self.at == start { Err(Failure::Shape) } else { Ok(ticks) }
    }

    fn word(&mut self) -> Outcome<()> {
        let start = self.at;
        while self.peek().is_some_and(char::is_alphabetic) {
            self.at += 1;
        }
        let word: String = self.text.get(start..self.at).unwrap_or_default().iter().collect();
        if word.eq_ignore_ascii_case("T") {
            return self.time_behind_letter();
        }
        if word.eq_ignore_ascii_case("Z") || word.eq_ignore_ascii_case("GMT") {
            let attached = start.checked_sub(1).and_then(|before| self.text.get(before));
            let glued = word.len() > 1 && attached.is_some_and(char::is_ascii_digit);
            if self.offset_minutes.is_some() || !self.has_date_or_time() || glued {
                return Err(Failure::Shape);
            }
            self.offset_minutes = Some(0);
            self.date_closed = true;
            return Ok(());
        }
        if let Some(month) = named(&MONTHS, &word) {
            if self.month.is_some() || self.date_closed {
                return Err(Failure::Shape);
            }
            self.month = Some(month + 1);
            self.before_month = self.numbers.len();
            let _ = self.take('.') || self.take('-') || self.take('/');
            return Ok(());
        }
        if let Some(day) = named(&DAYS, &word) {
            if self.day_of_week.is_some() {
                return Err(Failure::Shape);
            }
            self.day_of_week = Some(day);
            return Ok(());
        }
        // Zone names that .NET knows the shape of, yet not the meaning.
        if self.time.is_some() && word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase()) {
            return Err(Failure::Shape);
        }
        Err(Failure::Word(start))
    }

    /// Behind `T` the time has two digits in each field.
    fn time_behind_letter(&mut self) -> Outcome<()> {
        if self.numbers.len() + usize::from(self.month.is_some()) < 3 {
            return Err(Failure::Shape);
        }
        self.spaces();
        let hour = self.digits().ok_or(Failure::Shape)?;
        self.clock(hour, true)
    }

    /// `+hh`, `+hmm`, `+hhmm`, `+hh:mm`.
    fn offset(&mut self) -> Outcome<()> {
        let negative = self.peek() == Some('-');
        self.at += 1;
        let number = self.digits().ok_or(Failure::Shape)?;
        let (hours, minutes) = match number.digits {
            1 | 2 if self.take(':') => {
                let minutes = self.digits().filter(|minutes| minutes.digits <= 2).ok_or(Failure::Shape)?;
                (number.value, minutes.value)
            }
            1 | 2 => (number.value, 0),
            3 | 4 => (number.value / 100, number.value % 100),
            _ => return Err(Failure::Shape),
        };
        if minutes > 59 || self.peek() == Some(':') {
            return Err(Failure::Shape);
        }
        let total = hours * 60 + minutes;
        if total > OFFSET_MINUTES_MAX {
            return Err(Failure::Offset);
        }
        self.offset_minutes = Some(if negative { -total } else { total });
        self.date_closed = true;
        Ok(())
    }

    fn resolve(&self, today: DateTime) -> Outcome<Parsed> {
        let time =
            self.time.unwrap_or(Time { hour: 0, minute: 0, second: 0, fraction_ticks: 0, afternoon: None });
        let (year, month, day) = self.date(today)?;
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=calendar::days_in_month(year, month)).contains(&day);
        if !exists {
            return Err(Failure::Shape);
        }
        let hour = match time.afternoon {
            Some(false) if time.hour == 12 => 0,
            Some(true) if time.hour < 12 => time.hour + 12,
            Some(false) if time.hour > 12 => return Err(Failure::Shape),
            _ => time.hour,
        };
        if hour > 23 || time.minute > 59 || time.second > 59 {
            return Err(Failure::Calendar);
        }
        let midnight = DateTime::from_date(year, month, day).map_err(|_| Failure::Shape)?;
        let ticks = i64::from(hour) * TICKS_PER_HOUR
            + i64::from(time.minute) * TICKS_PER_MINUTE
            + i64::from(time.second) * TICKS_PER_SECOND
            + time.fraction_ticks;
        let clock = midnight.add_ticks(ticks).map_err(|_| Failure::Shape)?;
        if self.day_of_week.is_some_and(|day| day != clock.day_of_week()) {
            return Err(Failure::DayOfWeek);
        }
        Ok(Parsed { clock, offset_minutes: self.offset_minutes })
    }

    /// Year, month and day, by the number and width of what was read.
    fn date(&self, today: DateTime) -> Outcome<(i32, i32, i32)> {
        let narrow =
            |number: &Number| if number.digits <= 2 { Ok(number.value) } else { Err(Failure::Shape) };
        match (self.month, self.numbers.as_slice()) {
            (None, []) if self.time.is_some() => Ok((today.year(), today.month(), today.day())),
            (None, [a, b]) if a.digits > 2 => Ok((a.value, narrow(b)?, 1)),
            (None, [a, b]) if b.digits > 2 => Ok((b.value, narrow(a)?, 1)),
            (None, [a, b]) => Ok((today.year(), narrow(a)?, narrow(b)?)),
            (None, [a, b, c]) if a.digits > 2 => Ok((a.value, narrow(b)?, narrow(c)?)),
            (None, [a, b, c]) => Ok((year(*c), narrow(a)?, narrow(b)?)),
            (Some(month), [a]) if a.digits > 2 && self.time.is_none() => Ok((a.value, month, 1)),
            // A time behind a day without a year is read as a second number by .NET, and refused.
            (Some(_), [a]) if a.digits <= 2 && self.time.is_some() => Err(Failure::Calendar),
            (Some(month), [a]) => Ok((today.year(), month, narrow(a)?)),
            (Some(month), [a, b]) if a.digits > 2 => Ok((a.value, month, narrow(b)?)),
            (Some(month), [a, b]) => Ok((year(*b), month, narrow(a)?)),
            _ => Err(Failure::Shape),
        }
    }
}

fn year(number: Number) -> i32 {
    if number.digits > 2 { number.value } else { two_digit_year(number.value) }
}

/// The year that two digits stand for.
pub(super) fn two_digit_year(value: i32) -> i32 {
    if value <= TWO_DIGIT_YEAR_MAX { 2000 + value } else { 1900 + value }
}

/// The index of a name or its three-letter form.
fn named(names: &[&str], word: &str) -> Option<i32> {
    let matches = |name: &&str| {
        name.eq_ignore_ascii_case(word) || name.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word))
    };
    names.iter().position(matches).map(|index| index as i32)
}
