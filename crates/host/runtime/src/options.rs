//! Mount options as words (config.md, "Mounts"; mount(8)) turned into what the new mount calls take.
//!
//! A pure table: the words that the kernel knows for every mount become attributes and propagation, the words of the
//! specification (`rro`, `tmpcopyup`, `idmap`) become fields, and everything else is the file system's own.

use kernel::mount::Propagation;
use rustix::mount::MountAttrFlags as Attr;

/// What a list of option words means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOptions {
    /// A bind mount, and whether the mounts below the source come along.
    pub bind: Option<Recursion>,
    /// Attributes of the mount itself.
    pub own: AttributeChange,
    /// Attributes of the mount and of everything below it (`rro` and the like, Linux 5.12).
    pub recursive: AttributeChange,
    /// The propagation to give.
    pub propagation: Option<(Propagation, Recursion)>,
    /// The file system's own options: flags and key-value pairs.
    pub data: Vec<(String, Option<String>)>,
    /// A new tmpfs first gets a copy of what it covers.
    pub copy_up: bool,
    /// Owners are shown through a user namespace's mapping.
    pub idmap: Option<Recursion>,
}

/// Whether something reaches the mounts below, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recursion {
    /// Only this mount.
    One,
    /// This mount and those below.
    All,
}

/// Attributes to set and to clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeChange {
    /// `MOUNT_ATTR_…` to set.
    pub set: Attr,
    /// `MOUNT_ATTR_…` to clear.
    pub clear: Attr,
}

impl AttributeChange {
    const NONE: AttributeChange = AttributeChange { set: Attr::empty(), clear: Attr::empty() };

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.clear.is_empty()
    }

    /// Later words win over earlier ones.
    fn apply(&mut self, attribute: Attr, on: bool) {
        if attribute == Attr::MOUNT_ATTR_RELATIME || Attr::MOUNT_ATTR__ATIME.contains(attribute) {
            // The access time attributes are one number and not bits: clearing the mask comes with setting one.
            self.set.remove(Attr::MOUNT_ATTR__ATIME);
            self.clear.insert(Attr::MOUNT_ATTR__ATIME);
            if on {
                self.set.insert(attribute);
            }
        } else if on {
            self.set.insert(attribute);
            self.clear.remove(attribute);
        } else {
            self.clear.insert(attribute);
            self.set.remove(attribute);
        }
    }
}

/// Words that are attributes of a mount, and whether they set or clear.
const ATTRIBUTES: [(&str, Attr, bool); 18] = [
    ("ro", Attr::MOUNT_ATTR_RDONLY, true),
    ("rw", Attr::MOUNT_ATTR_RDONLY, false),
    ("nosuid", Attr::MOUNT_ATTR_NOSUID, true),
    ("suid", Attr::MOUNT_ATTR_NOSUID, false),
    ("nodev", Attr::MOUNT_ATTR_NODEV, true),
    ("dev", Attr::MOUNT_ATTR_NODEV, false),
    ("noexec", Attr::MOUNT_ATTR_NOEXEC, true),
    ("exec", Attr::MOUNT_ATTR_NOEXEC, false),
    ("nodiratime", Attr::MOUNT_ATTR_NODIRATIME, true),
    ("diratime", Attr::MOUNT_ATTR_NODIRATIME, false),
    ("nosymfollow", Attr::MOUNT_ATTR_NOSYMFOLLOW, true),
    ("symfollow", Attr::MOUNT_ATTR_NOSYMFOLLOW, false),
    ("noatime", Attr::MOUNT_ATTR_NOATIME, true),
    ("atime", Attr::MOUNT_ATTR_NOATIME, false),
    ("strictatime", Attr::MOUNT_ATTR_STRICTATIME, true),
    ("nostrictatime", Attr::MOUNT_ATTR_STRICTATIME, false),
    ("relatime", Attr::MOUNT_ATTR_RELATIME, true),
    ("norelatime", Attr::MOUNT_ATTR_RELATIME, false),
];

/// Words of mount(8) that change nothing here: what they ask for is the default, or belongs to mount(8) itself.
const IGNORED: [&str; 10] = [
    "defaults",
    "async",
    "loud",
    "nolazytime",
    "nomand",
    "noiversion",
    "auto",
    "noauto",
    "nofail",
    "_netdev",
];

fn propagation(word: &str) -> Option<(Propagation, Recursion)> {
    Some(match word {
        "shared" => (Propagation::Shared, Recursion::One),
        "slave" => (Propagation::Slave, Recursion::One),
        "private" => (Propagation::Private, Recursion::One),
        "unbindable" => (Propagation::Unbindable, Recursion::One),
        "rshared" => (Propagation::Shared, Recursion::All),
        "rslave" => (Propagation::Slave, Recursion::All),
        "rprivate" => (Propagation::Private, Recursion::All),
        "runbindable" => (Propagation::Unbindable, Recursion::All),
        _ => return None,
    })
}

/// Every word that has a meaning of its own here, sorted; all others are left to the file system.
#[must_use]
pub fn words() -> Vec<String> {
    let attributes = ATTRIBUTES.iter().flat_map(|(name, ..)| [(*name).to_owned(), format!("r{name}")]);
    let modes = ["shared", "slave", "private", "unbindable"].iter();
    let modes = modes.flat_map(|name| [(*name).to_owned(), format!("r{name}")]);
    let own = ["bind", "rbind", "tmpcopyup"].into_iter().chain(IGNORED).map(str::to_owned);
    let mut words: Vec<String> = attributes.chain(modes).chain(own).collect();
    words.sort_unstable();
    words
}

/// The propagation that `linux.rootfsPropagation` names, which may stand with or without the leading `r`.
#[must_use]
pub fn root_propagation(word: &str) -> Option<(Propagation, Recursion)> {
    propagation(word)
}

impl MountOptions {
    /// Reads the words; every word means something, so nothing is refused here.
    #[must_use]
    pub fn parse(words: &[String]) -> Self {
        let mut options = MountOptions {
            bind: None,
            own: AttributeChange::NONE,
            recursive: AttributeChange::NONE,
            propagation: None,
            data: Vec::new(),
            copy_up: false,
            idmap: None,
        };
        for word in words {
            options.add(word);
        }
        options
    }

    fn add(&mut self, word: &str) {
        if let Some((_, attribute, on)) = ATTRIBUTES.into_iter().find(|(name, ..)| *name == word) {
            return self.own.apply(attribute, on);
        }
        let recursive = word.strip_prefix('r').filter(|rest| !rest.is_empty());
        if let Some((_, attribute, on)) = ATTRIBUTES.into_iter().find(|(name, ..)| Some(*name) == recursive) {
            return self.recursive.apply(attribute, on);
        }
        if let Some(found) = propagation(word) {
            self.propagation = Some(found);
            return;
        }
        match word {
            "bind" if self.bind.is_none() => self.bind = Some(Recursion::One),
            "bind" => {}
            "rbind" => self.bind = Some(Recursion::All),
            "tmpcopyup" => self.copy_up = true,
            "idmap" => self.idmap = Some(Recursion::One),
            "ridmap" => self.idmap = Some(Recursion::All),
            _ if IGNORED.contains(&word) || word.starts_with("x-") => {}
            _ => self.data.push(match word.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (word.to_owned(), None),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> MountOptions {
        MountOptions::parse(&words.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_docker_bind_mount() {
        let options = parse("rbind,ro,rprivate");
        assert_eq!(options.bind, Some(Recursion::All));
        assert_eq!(options.own.set, Attr::MOUNT_ATTR_RDONLY);
        assert_eq!(options.propagation, Some((Propagation::Private, Recursion::All)));
        assert!(options.data.is_empty() && options.recursive.is_empty());
    }

    #[test]
    fn a_docker_tmpfs() {
        let options = parse("nosuid,strictatime,mode=755,size=65536k");
        assert_eq!(options.own.set, Attr::MOUNT_ATTR_NOSUID | Attr::MOUNT_ATTR_STRICTATIME);
        assert_eq!(options.own.clear, Attr::MOUNT_ATTR__ATIME);
        assert_eq!(
            options.data,
            [("mode".to_owned(), Some("755".to_owned())), ("size".to_owned(), Some("65536k".to_owned()))]
        );
    }

    #[test]
    fn the_last_word_wins() {
        assert_eq!(
            parse("ro,rw").own,
            AttributeChange { set: Attr::empty(), clear: Attr::MOUNT_ATTR_RDONLY }
        );
        assert_eq!(
            parse("rw,ro").own,
            AttributeChange { set: Attr::MOUNT_ATTR_RDONLY, clear: Attr::empty() }
        );
        let times = parse("noatime,strictatime").own;
        assert_eq!(times.set & Attr::MOUNT_ATTR__ATIME, Attr::MOUNT_ATTR_STRICTATIME);
    }

    #[test]
    fn a_leading_r_reaches_the_mounts_below() {
        let options = parse("rbind,rro,rnosuid");
        assert_eq!(options.recursive.set, Attr::MOUNT_ATTR_RDONLY | Attr::MOUNT_ATTR_NOSUID);
        assert!(options.own.is_empty());
        // `rw` is not `r` + `w`, nor `ro` `r` + `o`.
        assert!(parse("rw,ro").recursive.is_empty());
    }

    #[test]
    fn relatime_is_a_word_of_its_own() {
        let options = parse("relatime");
        assert_eq!(options.own.clear, Attr::MOUNT_ATTR__ATIME);
        assert!(options.data.is_empty());
    }
}
