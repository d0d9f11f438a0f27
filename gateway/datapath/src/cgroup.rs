//! Where this process's own control group (version 2) is mounted.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of our control group, or why there is none.
pub fn own() -> Result<PathBuf, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let (mount, root) = find_mount(&read("/proc/self/mountinfo")?).ok_or("no cgroup2 is mounted")?;
    let group = find_group(&read("/proc/self/cgroup")?).ok_or("this process is in no cgroup2 group")?;
    let below =
        Path::new(&group).strip_prefix(&root).map_err(|_| "our group is outside of the cgroup2 mount")?;
    Ok(Path::new(&mount).join(below))
}

/// Mount point, and the group that is mounted there (proc(5): fields 5 and 4).
fn find_mount(mountinfo: &str) -> Option<(String, String)> {
    mountinfo.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = place.split(' ').skip(3);
        let root = unescape(fields.next()?);
        Some((unescape(fields.next()?), root))
    })
}

/// The line of version 2 in /proc/PID/cgroup: `0::/path`.
fn find_group(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// mountinfo writes blanks and backslashes as `\ooo`.
fn unescape(field: &str) -> String {
    let mut plain = String::with_capacity(field.len());
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let (Some(code), Some(tail)) = (code, after.get(3..)) {
            plain.push(char::from(code));
            rest = tail;
        } else {
            plain.push('\\');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_mount_hybrid_hierarchy_skips_version_1() {
        let table = "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                     41 31 0:38 /slice /sys/fs/my\\040group rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
        assert_eq!(find_mount(table), Some(("/sys/fs/my group".into(), "/slice".into())));
        assert_eq!(find_mount("33 31 0:30 / /sys rw - sysfs sysfs rw\n"), None);
    }

    #[test]
    fn find_group_hybrid_hierarchy_takes_version_2() {
        assert_eq!(find_group("3:cpu:/a\n0::/b.slice/c\n"), Some("/b.slice/c".into()));
        assert_eq!(find_group("3:cpu:/a\n"), None);
    }

    #[test]
    fn unescape_broken_sequence_stays() {
        assert_eq!(unescape("a\\"), "a\\");
        assert_eq!(unescape("a\\9zz"), "a\\9zz");
        assert_eq!(unescape("\\134\\040"), "\\ ");
    }
}
