//! `System.Text.RegularExpressions` (expressions.md §6.10).

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::{Allow, Args, Member, Type, TypeTable, library, m};
use crate::clr::regex::{self, Group, Match, Regex, RegexOptions};
use crate::host::Host;
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Text.RegularExpressions.RegexOptions { None = 0, IgnoreCase = 1, Multiline = 2, ExplicitCapture = 4, Compiled = 8, Singleline = 16, IgnorePatternWhitespace = 32, RightToLeft = 64, ECMAScript = 256, CultureInvariant = 512 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.Capture",
        allow: Allow::Only(&["Index", "Length", "Value"]),
        members: &[
            m("int Index { get; }", |_, a| Ok(Value::I32(group(a)?.index))),
            m("int Length { get; }", |_, a| Ok(Value::I32(group(a)?.length))),
            m("string Value { get; }", |vm, a| vm.text(group(a)?.value)),
        ],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.Group : System.Text.RegularExpressions.Capture",
        allow: Allow::Only(&["Captures", "Success"]),
        members: &[
            m("bool Success { get; }", |_, a| Ok(Value::Bool(group(a)?.success))),
            m("string Name { get; }", |vm, a| vm.text(group(a)?.name)),
            m("CaptureCollection Captures { get; }", |_, a| {
                let group = group(a)?;
                let items = if group.success { vec![a.this().clone()] } else { Vec::new() };
                Ok(Value::object(Items { class: "CaptureCollection", list: items, names: Vec::new() }))
            }),
        ],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.Match : System.Text.RegularExpressions.Group",
        allow: Allow::Only(&["Empty", "Groups", "Result"]),
        members: &[
            m("static Match Empty { get; }", |_, _| {
                Ok(Value::object(MatchObject { regex: None, found: None }))
            }),
            m("GroupCollection Groups { get; }", |_, a| {
                let this = a.object::<MatchObject>(0)?;
                let groups: Vec<Group> = this.found.iter().flat_map(Match::groups).collect();
                let names = groups.iter().map(|g| g.name.clone()).collect();
                let mut items: Vec<Value> =
                    groups.into_iter().map(|g| Value::object(GroupObject(g))).collect();
                if let Some(first) = items.first_mut() {
                    *first = a.this().clone();
                }
                Ok(Value::object(Items { class: "GroupCollection", list: items, names }))
            }),
            m("string Result(string replacement)", |vm, a| {
                let this = a.object::<MatchObject>(0)?;
                match (&this.regex, &this.found) {
                    (Some(regex), Some(found)) => vm.text(regex.expand(found, a.str(1)?.as_str())),
                    _ => Err(Fault::not_supported("Result cannot be called on a failed Match.")),
                }
            }),
            m("Match NextMatch()", |_, a| {
                let this = a.object::<MatchObject>(0)?;
                let next = match (&this.regex, &this.found) {
                    (Some(regex), Some(found)) => regex.find_behind(found)?,
                    _ => None,
                };
                Ok(Value::object(MatchObject { regex: this.regex.clone(), found: next }))
            }),
        ],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.CaptureCollection : System.Collections.Generic.IEnumerable<Capture>",
        allow: Allow::Only(&["Count", "Item"]),
        members: &[m("int Count { get; }", count), m("Capture this[int i] { get; }", item)],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.GroupCollection : System.Collections.Generic.IEnumerable<Group>",
        allow: Allow::Only(&["Count", "Item"]),
        members: &[
            m("int Count { get; }", count),
            m("Group this[int groupnum] { get; }", |_, a| {
                let items = &a.object::<Items>(0)?.list;
                let found = usize::try_from(a.i32(1)?).ok().and_then(|i| items.get(i));
                Ok(found.cloned().unwrap_or_else(failed))
            }),
            m("Group this[string groupname] { get; }", |_, a| {
                let this = a.object::<Items>(0)?;
                let found = this.names.iter().position(|n| n == a.str(1).map_or("", |t| t.as_str()));
                Ok(found.and_then(|i| this.list.get(i)).cloned().unwrap_or_else(failed))
            }),
        ],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.MatchCollection : System.Collections.Generic.IEnumerable<Match>",
        allow: Allow::None,
        members: &[m("int Count { get; }", count), m("Match this[int i] { get; }", item)],
    },
    TypeTable {
        header: "delegate string System.Text.RegularExpressions.MatchEvaluator(Match match)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.RegularExpressions.Regex",
        allow: Allow::Only(&[".ctor", "IsMatch", "Match", "Matches", "Replace", "Unescape", "Split"]),
        members: MEMBERS,
    },
];

const MEMBERS: &[Member] = &[
    m("new(string pattern)", |vm, a| made(vm, a, 0, None)),
    m("new(string pattern, RegexOptions options)", |vm, a| made(vm, a, 0, Some(1))),
    m("new(string pattern, RegexOptions options, System.TimeSpan matchTimeout)", |vm, a| {
        made(vm, a, 0, Some(1))
    }),
    m("bool IsMatch(string input)", |vm, a| is_match(&own(a)?, vm, a, 1)),
    m("bool IsMatch(string input, int startat)", |vm, a| {
        let found = find(vm, &own(a)?, a.str(1)?.as_str(), a.i32(2)?)?;
        Ok(Value::Bool(found.is_some()))
    }),
    m("static bool IsMatch(string input, string pattern)", |vm, a| {
        is_match(&compiled(vm, a, 1, None)?, vm, a, 0)
    }),
    m("static bool IsMatch(string input, string pattern, RegexOptions options)", |vm, a| {
        is_match(&compiled(vm, a, 1, Some(2))?, vm, a, 0)
    }),
    m(
        "static bool IsMatch(string input, string pattern, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| is_match(&compiled(vm, a, 1, Some(2))?, vm, a, 0),
    ),
    m("Match Match(string input)", |vm, a| first(&own(a)?, vm, a, 1)),
    m("Match Match(string input, int startat)", |vm, a| {
        let regex = own(a)?;
        let found = find(vm, &regex, a.str(1)?.as_str(), a.i32(2)?)?;
        Ok(Value::object(MatchObject { regex: Some(regex), found }))
    }),
    m("Match Match(string input, int beginning, int length)", |vm, a| {
        let (regex, text) = (own(a)?, a.str(1)?.as_str());
        charge(vm, &regex, text)?;
        let found = regex.find_in(text, a.i32(2)?, a.i32(3)?)?;
        Ok(Value::object(MatchObject { regex: Some(regex), found }))
    }),
    m("string Replace(string input, string replacement, int count, int startat)", |vm, a| {
        replace(&own(a)?, vm, a, (1, 2), (a.i32(3)?, a.i32(4)?))
    }),
    m("string Replace(string input, MatchEvaluator evaluator, int count, int startat)", |vm, a| {
        replace(&own(a)?, vm, a, (1, 2), (a.i32(3)?, a.i32(4)?))
    }),
    m("string[] Split(string input, int count, int startat)", |vm, a| {
        split(&own(a)?, vm, a, 1, (a.i32(2)?, a.i32(3)?))
    }),
    m("static Match Match(string input, string pattern)", |vm, a| {
        first(&compiled(vm, a, 1, None)?, vm, a, 0)
    }),
    m("static Match Match(string input, string pattern, RegexOptions options)", |vm, a| {
        first(&compiled(vm, a, 1, Some(2))?, vm, a, 0)
    }),
    m(
        "static Match Match(string input, string pattern, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| first(&compiled(vm, a, 1, Some(2))?, vm, a, 0),
    ),
    m("MatchCollection Matches(string input)", |vm, a| all(&own(a)?, vm, a, 1)),
    m("static MatchCollection Matches(string input, string pattern)", |vm, a| {
        all(&compiled(vm, a, 1, None)?, vm, a, 0)
    }),
    m("static MatchCollection Matches(string input, string pattern, RegexOptions options)", |vm, a| {
        all(&compiled(vm, a, 1, Some(2))?, vm, a, 0)
    }),
    m(
        "static MatchCollection Matches(string input, string pattern, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| all(&compiled(vm, a, 1, Some(2))?, vm, a, 0),
    ),
    m("string Replace(string input, string replacement)", |vm, a| replace(&own(a)?, vm, a, (1, 2), (-1, 0))),
    m("string Replace(string input, string replacement, int count)", |vm, a| {
        replace(&own(a)?, vm, a, (1, 2), (a.i32(3)?, 0))
    }),
    m("string Replace(string input, MatchEvaluator evaluator)", |vm, a| {
        replace(&own(a)?, vm, a, (1, 2), (-1, 0))
    }),
    m("string Replace(string input, MatchEvaluator evaluator, int count)", |vm, a| {
        replace(&own(a)?, vm, a, (1, 2), (a.i32(3)?, 0))
    }),
    m("static string Replace(string input, string pattern, string replacement)", |vm, a| {
        replace(&compiled(vm, a, 1, None)?, vm, a, (0, 2), (-1, 0))
    }),
    m(
        "static string Replace(string input, string pattern, string replacement, RegexOptions options)",
        |vm, a| replace(&compiled(vm, a, 1, Some(3))?, vm, a, (0, 2), (-1, 0)),
    ),
    m(
        "static string Replace(string input, string pattern, string replacement, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| replace(&compiled(vm, a, 1, Some(3))?, vm, a, (0, 2), (-1, 0)),
    ),
    m("static string Replace(string input, string pattern, MatchEvaluator evaluator)", |vm, a| {
        replace(&compiled(vm, a, 1, None)?, vm, a, (0, 2), (-1, 0))
    }),
    m(
        "static string Replace(string input, string pattern, MatchEvaluator evaluator, RegexOptions options)",
        |vm, a| replace(&compiled(vm, a, 1, Some(3))?, vm, a, (0, 2), (-1, 0)),
    ),
    m(
        "static string Replace(string input, string pattern, MatchEvaluator evaluator, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| replace(&compiled(vm, a, 1, Some(3))?, vm, a, (0, 2), (-1, 0)),
    ),
    m(
        "static string[] Split(string input, string pattern, RegexOptions options, System.TimeSpan matchTimeout)",
        |vm, a| split(&compiled(vm, a, 1, Some(2))?, vm, a, 0, (0, 0)),
    ),
    m("MatchCollection Matches(string input, int startat)", |vm, a| {
        let regex = own(a)?;
        let mut next = find(vm, &regex, a.str(1)?.as_str(), a.i32(2)?)?;
        let mut list = Vec::new();
        while let Some(found) = next {
            vm.steps(1)?;
            vm.charge(64)?;
            next = regex.find_behind(&found)?;
            list.push(Value::object(MatchObject { regex: Some(Rc::clone(&regex)), found: Some(found) }));
        }
        Ok(Value::object(Items { class: "MatchCollection", list, names: Vec::new() }))
    }),
    m("string[] Split(string input)", |vm, a| split(&own(a)?, vm, a, 1, (0, 0))),
    m("string[] Split(string input, int count)", |vm, a| split(&own(a)?, vm, a, 1, (a.i32(2)?, 0))),
    m("static string[] Split(string input, string pattern)", |vm, a| {
        split(&compiled(vm, a, 1, None)?, vm, a, 0, (0, 0))
    }),
    m("static string[] Split(string input, string pattern, RegexOptions options)", |vm, a| {
        split(&compiled(vm, a, 1, Some(2))?, vm, a, 0, (0, 0))
    }),
    m("static string Escape(string str)", |vm, a| vm.text(regex::escape(a.str(0)?.as_str()))),
    m("static string Unescape(string str)", |vm, a| vm.text(regex::unescape(a.str(0)?.as_str())?)),
];

struct RegexObject(Rc<Regex>);

struct MatchObject {
    regex: Option<Rc<Regex>>,
    found: Option<Match>,
}

struct GroupObject(Group);

/// A collection of captures, groups or matches.
struct Items {
    class: &'static str,
    list: Vec<Value>,
    names: Vec<String>,
}

fn class_type(name: &str) -> Type {
    library().named(&format!("System.Text.RegularExpressions.{name}"))
}

impl Object for RegexObject {
    fn ty(&self) -> Type {
        class_type("Regex")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.pattern())
    }
}

impl Object for MatchObject {
    fn ty(&self) -> Type {
        class_type("Match")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.found.as_ref().map_or("", Match::value))
    }
}

impl Object for GroupObject {
    fn ty(&self) -> Type {
        class_type("Group")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.value.as_str())
    }
}

impl Object for Items {
    fn ty(&self) -> Type {
        class_type(self.class)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(ValuesIter::boxed(self.list.clone())))
    }
}

thread_local! {
    /// Compiled patterns of this thread; emptied when it has grown too large.
    static CACHE: RefCell<FxHashMap<(String, u32), Rc<Regex>>> = RefCell::default();
}

const CACHE_MAX: usize = 256;

fn compiled(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    pattern: usize,
    options: Option<usize>,
) -> Result<Rc<Regex>, Fault> {
    let options = match options {
        Some(index) => a.i64(index)? as u32,
        None => 0,
    };
    let key = (a.str(pattern)?.as_str().to_owned(), options);
    if let Some(known) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
        return Ok(known);
    }
    vm.steps(1_000 + key.0.len() as u64 * 16)?;
    let regex = Rc::new(Regex::new(&key.0, RegexOptions(options))?);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(key, Rc::clone(&regex));
    });
    Ok(regex)
}

fn made(vm: &mut Vm<'_>, a: &Args<'_>, pattern: usize, options: Option<usize>) -> Result<Value, Fault> {
    Ok(Value::object(RegexObject(compiled(vm, a, pattern, options)?)))
}

fn own(a: &Args<'_>) -> Result<Rc<Regex>, Fault> {
    Ok(Rc::clone(&a.object::<RegexObject>(0)?.0))
}

/// A search costs by the size of the text, more where the engine may backtrack.
fn charge(vm: &mut Vm<'_>, regex: &Regex, text: &str) -> Result<(), Fault> {
    let each = if regex.is_linear() { 64 } else { 8 };
    vm.steps(10 + text.len() as u64 / each)
}

fn find(vm: &mut Vm<'_>, regex: &Rc<Regex>, text: &str, start: i32) -> Result<Option<Match>, Fault> {
    charge(vm, regex, text)?;
    Ok(regex.find(text, start)?)
}

fn is_match(regex: &Rc<Regex>, vm: &mut Vm<'_>, a: &Args<'_>, input: usize) -> Result<Value, Fault> {
    let text = a.str(input)?.as_str();
    charge(vm, regex, text)?;
    Ok(Value::Bool(regex.is_match(text)?))
}

fn first(regex: &Rc<Regex>, vm: &mut Vm<'_>, a: &Args<'_>, input: usize) -> Result<Value, Fault> {
    let found = find(vm, regex, a.str(input)?.as_str(), 0)?;
    Ok(Value::object(MatchObject { regex: Some(Rc::clone(regex)), found }))
}

fn all(regex: &Rc<Regex>, vm: &mut Vm<'_>, a: &Args<'_>, input: usize) -> Result<Value, Fault> {
    let text = a.str(input)?.as_str();
    charge(vm, regex, text)?;
    let found = regex.find_all(text)?;
    vm.elements(found.len())?;
    let made = |found| Value::object(MatchObject { regex: Some(Rc::clone(regex)), found: Some(found) });
    Ok(Value::object(Items {
        class: "MatchCollection",
        list: found.into_iter().map(made).collect(),
        names: Vec::new(),
    }))
}

fn replace(
    regex: &Rc<Regex>,
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    places: (usize, usize),
    limits: (i32, i32),
) -> Result<Value, Fault> {
    let text = a.str(places.0)?.as_str();
    charge(vm, regex, text)?;
    if a.at(places.1).is_null() {
        return Err(a.null(places.1));
    }
    // Limits and the evaluator's exceptions pass the engine unchanged.
    let mut failure = None;
    let mut stop = |fault| {
        failure = Some(fault);
        crate::clr::Error::of(crate::clr::ExceptionKind::Exception)
    };
    let mut size = text.len();
    let made = if let Value::Str(replacement) = a.at(places.1) {
        regex.replace_checked(text, replacement.as_str(), limits, |more| {
            size += more;
            vm.steps(1).and_then(|()| vm.may_make(size)).map_err(&mut stop)
        })
    } else {
        regex.replace_with(text, limits, |found| {
            let found = MatchObject { regex: Some(Rc::clone(regex)), found: Some(found.clone()) };
            let part =
                vm.call_function(a.at(places.1), &[Value::object(found)]).map_err(&mut stop)?.to_text();
            size += part.len();
            vm.may_make(size).map_err(&mut stop)?;
            Ok(part)
        })
    };
    match (failure, made) {
        (Some(fault), _) => Err(fault),
        (None, made) => {
            let made = made?;
            vm.text(made)
        }
    }
}

fn split(
    regex: &Rc<Regex>,
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    input: usize,
    limits: (i32, i32),
) -> Result<Value, Fault> {
    let text = a.str(input)?.as_str();
    charge(vm, regex, text)?;
    let parts = regex.split(text, limits.0, limits.1)?;
    vm.elements(parts.len())?;
    Ok(Value::strings(parts.into_iter().map(Text::from)))
}

/// The group that the receiver is; a match is its own group 0.
fn group(a: &Args<'_>) -> Result<Group, Fault> {
    if let Some(found) = a.this().downcast::<GroupObject>() {
        return Ok(found.0.clone());
    }
    let this = a.object::<MatchObject>(0)?;
    Ok(match &this.found {
        Some(found) => found.group(0),
        None => no_group(),
    })
}

fn no_group() -> Group {
    Group { name: "0".to_owned(), success: false, index: 0, length: 0, value: String::new() }
}

fn failed() -> Value {
    Value::object(GroupObject(no_group()))
}

fn count(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    Ok(Value::I32(a.object::<Items>(0)?.list.len() as i32))
}

fn item(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let items = &a.object::<Items>(0)?.list;
    let found = usize::try_from(a.i32(1)?).ok().and_then(|i| items.get(i));
    found
        .cloned()
        .ok_or_else(|| Fault::out_of_range("Specified argument was out of the range of valid values.", "i"))
}
