//! Users and groups by the container's own passwd(5) and group(5).

use super::PlanError;

/// The largest id that is taken, as in Docker.
const ID_MAX: u32 = i32::MAX as u32;

/// The container's account files, as text; empty when it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFiles {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/group`.
    pub group: String,
}

/// Who a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub additional_gids: Vec<u32>,
    /// Home directory.
    pub home: String,
}

struct PasswdLine<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct GroupLine<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

fn passwd_lines(text: &str) -> impl Iterator<Item = PasswdLine<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(PasswdLine { name, uid, gid, home: fields.nth(1).unwrap_or("") })
    })
}

fn group_lines(text: &str) -> impl Iterator<Item = GroupLine<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        Some(GroupLine { name, gid: fields.nth(1)?.parse().ok()?, members: fields.next().unwrap_or("") })
    })
}

fn number(text: &str) -> Result<Option<u32>, PlanError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(id) if id <= ID_MAX => Ok(Some(id)),
        _ => Err(PlanError::IdRange),
    }
}

/// The account of `user[:group]` (names or numbers; empty is root) with the groups of `--group-add`.
///
/// A name must be in the files; a number need not. Without a group in `user` it is the account's own, and the groups
/// that list the account's name are added.
///
/// # Errors
/// [`PlanError::UnknownUser`], [`PlanError::UnknownGroup`], [`PlanError::IdRange`].
pub fn lookup(user: &str, group_add: &[String], files: &AccountFiles) -> Result<Account, PlanError> {
    let (user, group) = user.split_once(':').map_or((user, None), |(user, group)| (user, Some(group)));
    let id = if user.is_empty() { Some(0) } else { number(user)? };
    // A name of digits is a name first, as in Docker's library.
    let line = passwd_lines(&files.passwd)
        .find(|line| line.name == user)
        .or_else(|| passwd_lines(&files.passwd).find(|line| Some(line.uid) == id));
    let (uid, mut gid, home) = match (&line, id) {
        (Some(line), _) => (line.uid, line.gid, line.home),
        (None, Some(id)) => (id, 0, ""),
        (None, None) => return Err(PlanError::UnknownUser { name: user.to_owned() }),
    };
    let mut additional = Vec::new();
    match group.filter(|group| !group.is_empty()) {
        Some(group) => gid = group_id(group, files)?,
        None => {
            let name = line.as_ref().map_or("", |line| line.name);
            let lists = |members: &str| !name.is_empty() && members.split(',').any(|member| member == name);
            additional
                .extend(group_lines(&files.group).filter(|line| lists(line.members)).map(|line| line.gid));
        }
    }
    for group in group_add {
        additional.push(group_id(group, files)?);
    }
    let mut seen = std::collections::BTreeSet::new();
    additional.retain(|gid| seen.insert(*gid));
    let home = if home.is_empty() { "/" } else { home };
    Ok(Account { uid, gid, additional_gids: additional, home: home.to_owned() })
}

fn group_id(text: &str, files: &AccountFiles) -> Result<u32, PlanError> {
    if let Some(line) = group_lines(&files.group).find(|line| line.name == text) {
        return Ok(line.gid);
    }
    number(text)?.ok_or_else(|| PlanError::UnknownGroup { name: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> AccountFiles {
        AccountFiles {
            passwd: "root:x:0:0:root:/root:/bin/sh\n#off:x:9:9::/:\napp:x:1000:1001:App:/srv/app:/bin/sh\nbroken:x\n"
                .into(),
            group: "root:x:0:root\napp:x:1001:\nlog:x:50:app,root\ndisk:x:6:root\n".into(),
        }
    }

    fn of(user: &str) -> Result<(u32, u32, Vec<u32>, String), PlanError> {
        lookup(user, &[], &files()).map(|found| (found.uid, found.gid, found.additional_gids, found.home))
    }

    #[test]
    fn names_numbers_and_groups() {
        assert_eq!(of(""), Ok((0, 0, vec![0, 50, 6], "/root".into())));
        assert_eq!(of("app"), Ok((1000, 1001, vec![50], "/srv/app".into())));
        assert_eq!(of("1000"), Ok((1000, 1001, vec![50], "/srv/app".into())));
        assert_eq!(of("app:disk"), Ok((1000, 6, vec![], "/srv/app".into())));
        assert_eq!(of("4242"), Ok((4242, 0, vec![], "/".into())));
        assert_eq!(of("4242:17"), Ok((4242, 17, vec![], "/".into())));
    }

    #[test]
    fn added_groups() {
        let found = lookup("app", &["disk".into(), "77".into(), "50".into()], &files()).unwrap();
        assert_eq!(found.additional_gids, [50, 6, 77]);
    }

    #[test]
    fn refusals_in_dockers_words() {
        let text = |user: &str| of(user).unwrap_err().to_string();
        assert_eq!(text("nobody"), "unable to find user nobody: no matching entries in passwd file");
        assert_eq!(text("app:nogroup"), "unable to find group nogroup: no matching entries in group file");
        assert_eq!(text("4294967295"), "uids and gids must be in range 0-2147483647");
        assert!(lookup("", &[], &AccountFiles::default()).is_ok());
    }
}
