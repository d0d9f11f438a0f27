//! What the programs can do without: where the kernel refuses one part, the others stay.

/// A part of the object that is built in when settings ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Cookies,
    Balance,
    Sockmap,
}

impl Part {
    /// As a line of the status begins.
    pub fn feature(self) -> &'static str {
        match self {
            Self::Cookies => "SYN cookies (Linux 6.0)",
            Self::Balance => "virtual addresses",
            Self::Sockmap => "tied sockets",
        }
    }
}

/// What an attempt lacks: a line for each program that the kernel has refused.
pub trait Lacks {
    fn lacks(&self) -> Vec<&str>;
}

/// What was loaded.
#[derive(Debug, PartialEq, Eq)]
pub struct Fitting<T> {
    pub loaded: T,
    /// Parts that it is without.
    pub without: Vec<Part>,
    /// Why the kernel refused the whole, if there is such a part.
    pub reason: String,
}

/// Loads everything; if the kernel refuses it, everything but one of the `asked` parts, but two, and so on, until
/// nothing is lacking. If something always is: the first of those that lack least. Error: the first one, if the kernel
/// takes nothing at all.
pub fn fitting<T: Lacks>(
    asked: &[Part],
    mut load: impl FnMut(&[Part]) -> Result<T, String>,
) -> Result<Fitting<T>, String> {
    let mut reason = String::new();
    let mut best: Option<Fitting<T>> = None;
    for without in fewest_first(asked) {
        let loaded = match load(&without) {
            Ok(loaded) => loaded,
            Err(line) if without.is_empty() => {
                reason = line;
                continue;
            }
            Err(_) => continue,
        };
        let lacks = loaded.lacks();
        if without.is_empty() {
            reason = lacks.join("; ");
        }
        let complete = lacks.is_empty();
        if best.as_ref().is_none_or(|best| lacks.len() < best.loaded.lacks().len()) {
            best = Some(Fitting { loaded, without, reason: reason.clone() });
        }
        if complete {
            break;
        }
    }
    best.ok_or(reason)
}

/// All selections of these parts, the smaller ones first.
fn fewest_first(parts: &[Part]) -> Vec<Vec<Part>> {
    let select = |mask: u32| -> Vec<Part> {
        let chosen = parts.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1);
        chosen.map(|(_, part)| *part).collect()
    };
    let mut selections: Vec<_> = (0..1 << parts.len()).map(select).collect();
    selections.sort_by_key(Vec::len);
    selections
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Lacks for Vec<&'static str> {
        fn lacks(&self) -> Vec<&str> {
            self.clone()
        }
    }

    const ALL: [Part; 3] = [Part::Cookies, Part::Balance, Part::Sockmap];

    /// E-03: a kernel that refuses some parts, and the parts that are left out for it.
    #[test]
    fn fitting_leaves_out_what_the_kernel_refuses_and_nothing_else() {
        let refusals: [&[Part]; 5] =
            [&[], &[Part::Cookies], &[Part::Balance], &[Part::Sockmap], &[Part::Cookies, Part::Sockmap]];
        for refuses in refusals {
            let load = |without: &[Part]| {
                let fits = refuses.iter().all(|part| without.contains(part));
                Ok(if fits { vec![] } else { vec!["too complex (E2BIG)"] })
            };
            let fitting = fitting(&ALL, load).unwrap();
            assert_eq!((fitting.loaded.len(), fitting.without.as_slice()), (0, refuses));
            assert_eq!(fitting.reason, if refuses.is_empty() { "" } else { "too complex (E2BIG)" });
        }
    }

    /// A program that no part is to blame for costs no part.
    #[test]
    fn fitting_when_it_is_no_parts_fault_keeps_all_parts() {
        let mut attempts = 0;
        let load = |_: &[Part]| {
            attempts += 1;
            Ok(vec!["unknown function (EINVAL)"])
        };
        let fitting = fitting(&ALL, load).unwrap();
        assert_eq!((fitting.without, attempts), (vec![], 8));
    }

    /// An object that is refused as a whole, as when a map has no room, goes without the part that has it.
    #[test]
    fn fitting_of_a_refused_object_goes_without_the_part() {
        let load = |without: &[Part]| {
            if without.contains(&Part::Balance) { Ok(vec![]) } else { Err("map FLOWS (ENOMEM)".to_owned()) }
        };
        let expected =
            Fitting { loaded: vec![], without: vec![Part::Balance], reason: "map FLOWS (ENOMEM)".to_owned() };
        assert_eq!(fitting(&ALL, load), Ok(expected));
        let nothing = |_: &[Part]| Err::<Vec<_>, _>("needs CAP_BPF (EPERM)".to_owned());
        assert_eq!(fitting(&ALL, nothing), Err("needs CAP_BPF (EPERM)".to_owned()));
    }
}
