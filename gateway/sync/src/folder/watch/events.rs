//! What the kernel tells about a folder (inotify), also after the folder was replaced by another one.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::folder::FolderSettings;

/// Device and inode of the folder that is watched.
type Identity = (u64, u64);

/// Calls `changed` for every event that concerns the configuration.
pub(super) struct Events<C> {
    changed: C,
    watcher: Option<RecommendedWatcher>,
    identity: Option<Identity>,
    /// The folder itself came or went: what was watched may not be any more.
    stale: Arc<AtomicBool>,
}

impl<C: Fn() + Clone + Send + 'static> Events<C> {
    pub(super) fn new(settings: &FolderSettings, changed: C) -> Self {
        let mut events = Self { changed, watcher: None, identity: None, stale: Arc::default() };
        events.restart(settings);
        events
    }

    /// Whether the kernel tells about changes.
    pub(super) fn are_seen(&self) -> bool {
        self.watcher.is_some()
    }

    /// A folder that took the place of the one that is watched (a renamed one, or a link that was swapped) is
    /// watched from now on; so is one that was away for a moment, because the kernel's watch of it is gone.
    pub(super) fn follow(&mut self, settings: &FolderSettings) {
        if self.stale.swap(false, Ordering::AcqRel) || identity(&settings.dir) != self.identity {
            self.restart(settings);
        }
    }

    fn restart(&mut self, settings: &FolderSettings) {
        self.identity = identity(&settings.dir);
        let was_seen = self.watcher.take().is_some();
        match watcher(settings, self.changed.clone(), Arc::clone(&self.stale)) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                if was_seen {
                    // Something may have happened before the new watch stood.
                    (self.changed)();
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "changes of the configuration folder are not seen at once");
            }
        }
    }
}

fn identity(dir: &Path) -> Option<Identity> {
    fs::metadata(dir).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn watcher(
    settings: &FolderSettings,
    changed: impl Fn() + Send + 'static,
    stale: Arc<AtomicBool>,
) -> notify::Result<RecommendedWatcher> {
    let concern = Concern::of(settings);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // After an error, which may be an overflow, anything may have happened.
        let (is_met, is_root) =
            event.map_or((true, true), |event| (concern.is_met_by(&event), concern.is_root(&event)));
        if is_root {
            stale.store(true, Ordering::Release);
        }
        if is_met {
            changed();
        }
    })?;
    if settings.dir.exists() {
        watcher.watch(&settings.dir, RecursiveMode::Recursive)?;
    }
    for dir in beside(settings) {
        watcher.watch(&dir, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Folders that hold the folder itself, the override file, and the secrets.
fn beside(settings: &FolderSettings) -> Vec<PathBuf> {
    let holder = |path: &PathBuf| {
        path.file_name()?;
        let dir = path.parent()?;
        Some(if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir.to_path_buf() })
    };
    let overrides = settings.overrides.as_ref().and_then(holder);
    holder(&settings.dir).into_iter().chain(overrides).chain(settings.secrets_dir.clone()).collect()
}

/// Which events are about the configuration, and not about its neighbours. All paths are absolute, as those of
/// events are.
struct Concern {
    root: PathBuf,
    folders: Vec<PathBuf>,
    names: Vec<OsString>,
}

impl Concern {
    fn of(settings: &FolderSettings) -> Self {
        let files = [Some(&settings.dir), settings.overrides.as_ref()];
        let folders = std::iter::once(&settings.dir).chain(&settings.secrets_dir);
        Self {
            root: absolute(&settings.dir),
            folders: folders.map(|path| absolute(path)).collect(),
            names: files
                .into_iter()
                .flatten()
                .filter_map(|path| Some(path.file_name()?.to_owned()))
                .collect(),
        }
    }

    fn is_met_by(&self, event: &Event) -> bool {
        // Reading is no change: our own readings must not wake us.
        !event.kind.is_access()
            && (event.paths.is_empty() || event.paths.iter().any(|path| self.covers(path)))
    }

    /// Whether the folder itself came or went.
    fn is_root(&self, event: &Event) -> bool {
        let comes_or_goes = event.kind.is_create()
            || event.kind.is_remove()
            || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
        // Its holder may write the path in another way, by a link.
        let is_root = |path: &PathBuf| {
            *path == self.root || (path.file_name() == self.root.file_name() && !path.starts_with(&self.root))
        };
        comes_or_goes && event.paths.iter().any(is_root)
    }

    fn covers(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        // `..data` and its kin: how Kubernetes brings new files.
        let is_volume = name.to_string_lossy().starts_with("..");
        is_volume
            || self.folders.iter().any(|folder| path.starts_with(folder))
            || self.names.iter().any(|wanted| wanted == name)
    }
}

/// Without a working directory nothing can be absolute; then the folder is looked at now and then.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concern() -> Concern {
        Concern::of(&FolderSettings {
            dir: "/etc/gateway/config".into(),
            overrides: Some("/etc/gateway/configuration.prod.yaml".into()),
            secrets_dir: Some("/run/secrets".into()),
            ..FolderSettings::default()
        })
    }

    #[test]
    fn concern_covers_the_configuration_and_not_its_neighbours() {
        for (path, covered) in [
            ("/etc/gateway/config/apis/a/policy.xml", true),
            ("/etc/gateway/config", true),
            ("/etc/gateway/configuration.prod.yaml", true),
            ("/etc/gateway/..data", true),
            ("/run/secrets/KEY", true),
            ("/etc/gateway/other", false),
            ("/etc/gateway/config.old", false),
        ] {
            assert_eq!(concern().covers(Path::new(path)), covered, "{path}");
        }
    }

    #[test]
    fn concern_tells_the_folder_from_what_is_in_it() {
        use notify::event::{CreateKind, RenameMode};
        let name = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        for (kind, path, root) in [
            (name, "/etc/gateway/config", true),
            (name, "./config", true),
            (EventKind::Create(CreateKind::Folder), "/etc/gateway/config", true),
            (EventKind::Modify(ModifyKind::Any), "/etc/gateway/config", false),
            (name, "/etc/gateway/config/config", false),
            (name, "/etc/gateway/other", false),
        ] {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(concern().is_root(&event), root, "{kind:?} {path}");
        }
    }
}
