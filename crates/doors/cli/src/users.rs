//! Names of the host's users.

/// The host's name for a user, or the number.
pub(crate) fn user_name(uid: u32, users: &str) -> String {
    let number = uid.to_string();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    });
    named.map_or(number.clone(), str::to_owned)
}
