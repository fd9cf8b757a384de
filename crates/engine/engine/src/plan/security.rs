//! `--security-opt`.

use super::{PlanError, seccomp};
use monitor::desired::SeccompChoice;

/// What the options say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Security {
    /// `no_new_privs`.
    pub no_new_privileges: bool,
    /// Filter of system calls.
    pub seccomp: SeccompChoice,
    /// AppArmor profile; absent for the default.
    pub apparmor: Option<String>,
    /// Nothing of `/proc` and `/sys` is hidden or read-only.
    pub unconfined_paths: bool,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

impl Security {
    /// Reads the options. `capabilities` are the container's, which a profile may ask about.
    ///
    /// # Errors
    /// [`PlanError::SecurityOption`], [`PlanError::Seccomp`].
    pub fn parse(options: &[String], privileged: bool, capabilities: &[String]) -> Result<Self, PlanError> {
        let mut all = Self::default();
        if privileged {
            all.seccomp = SeccompChoice::Unconfined;
        }
        for option in options {
            all.take(option, capabilities)?;
        }
        Ok(all)
    }

    /// Drops the AppArmor profile on a host that has no AppArmor, with a warning unless it asked for none.
    pub fn disregard_apparmor(&mut self) {
        if let Some(profile) = self.apparmor.take().filter(|profile| profile != "unconfined") {
            self.warnings
                .push(format!("AppArmor is not enabled on this host, the profile {profile:?} has no effect"));
        }
    }

    fn take(&mut self, option: &str, capabilities: &[String]) -> Result<(), PlanError> {
        let invalid = || PlanError::SecurityOption { text: option.chars().take(200).collect() };
        if option == "no-new-privileges" {
            self.no_new_privileges = true;
            return Ok(());
        }
        // A colon is Docker's old separator.
        let (key, value) = option.split_once('=').or_else(|| option.split_once(':')).ok_or_else(invalid)?;
        match (key, value) {
            ("no-new-privileges", "true") => self.no_new_privileges = true,
            ("no-new-privileges", "false") => self.no_new_privileges = false,
            ("seccomp", "unconfined") => self.seccomp = SeccompChoice::Unconfined,
            ("seccomp", "builtin" | "") => self.seccomp = SeccompChoice::Default,
            ("seccomp", text) => {
                let profile = seccomp::resolve(text, capabilities)?;
                self.seccomp = SeccompChoice::Profile(Box::new(profile));
            }
            ("apparmor", profile) if !profile.is_empty() => self.apparmor = Some(profile.to_owned()),
            ("systempaths", "unconfined") => self.unconfined_paths = true,
            ("label", "disable") => {}
            ("label", value) if !value.is_empty() => {
                self.warnings
                    .push(format!("SELinux is not supported, the label option {value:?} has no effect"));
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Security, PlanError> {
        let owned: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        Security::parse(&owned, false, &[])
    }

    #[test]
    fn known_options() {
        let all = parse(&["no-new-privileges:true", "seccomp=unconfined", "systempaths=unconfined"]).unwrap();
        assert!(all.no_new_privileges && all.unconfined_paths);
        assert_eq!(all.seccomp, SeccompChoice::Unconfined);
        assert_eq!(parse(&[]).unwrap(), Security::default());
        assert!(matches!(
            parse(&["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]).unwrap().seccomp,
            SeccompChoice::Profile(_)
        ));
    }

    #[test]
    fn unknown_options() {
        for option in ["x", "no-new-privileges=maybe", "systempaths=x", "foo=bar", "seccomp={"] {
            assert!(parse(&[option]).is_err(), "{option}");
        }
    }

    #[test]
    fn privileged_has_no_filter_unless_asked() {
        assert_eq!(Security::parse(&[], true, &[]).unwrap().seccomp, SeccompChoice::Unconfined);
        let asked = Security::parse(&["seccomp=builtin".into()], true, &[]).unwrap();
        assert_eq!(asked.seccomp, SeccompChoice::Default);
    }
}
