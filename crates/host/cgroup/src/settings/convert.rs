//! Conversions that both versions share, and the scales of v1 turned into those of v2.

use super::{Place, Plan, Setting, Step, setting};
use crate::hierarchy::Version;
use crate::{CgroupError, Controller};
use spec::runtime::{Cpu, HugepageLimit, Pids, Rdma};
use std::collections::BTreeMap;

/// v1 CPU shares (2 to 262144, 1024 by default) as a v2 weight (1 to 10000, 100 by default).
///
/// The curve of runc 1.4, crun 1.23 and Kubernetes, which maps minimum, default and maximum onto each other; the
/// older straight line made 39 of the default.
pub(super) fn cpu_weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            #[expect(clippy::cast_precision_loss, reason = "at most 262144")]
            let log = (shares as f64).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and 10000"
            )]
            let weight = 10f64.powf(exponent).ceil() as u64;
            weight.clamp(1, 10_000)
        }
    }
}

/// v1 block I/O weight (10 to 1000) as v2's `io.weight` (1 to 10000).
pub(super) fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight).clamp(10, 1000) - 10) * 9999 / 990
}

/// Checks the range of a block I/O weight; 0 means none.
pub(super) fn checked_weight(name: &'static str, weight: Option<u16>) -> Result<Option<u16>, CgroupError> {
    match weight {
        None | Some(0) => Ok(None),
        Some(weight @ 10..=1000) => Ok(Some(weight)),
        Some(other) => {
            Err(CgroupError::InvalidSetting { setting: name, value: other.to_string(), rule: "10 to 1000" })
        }
    }
}

/// Device numbers as control files take them.
pub(super) fn device(setting: &'static str, major: i64, minor: i64) -> Result<String, CgroupError> {
    match (u32::try_from(major), u32::try_from(minor)) {
        (Ok(major), Ok(minor)) => Ok(format!("{major}:{minor}")),
        _ => Err(CgroupError::InvalidSetting {
            setting,
            value: format!("{major}:{minor}"),
            rule: "not a device number",
        }),
    }
}

/// The files have one name in both versions.
pub(super) fn cpuset(cpu: &Cpu, plan: &mut Plan) -> Result<(), CgroupError> {
    for (name, file, list) in [("cpu.cpus", "cpuset.cpus", &cpu.cpus), ("cpu.mems", "cpuset.mems", &cpu.mems)]
    {
        if list.is_empty() {
            continue;
        }
        let fits =
            list.len() < 4096 && list.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'-' | b' '));
        if !fits {
            let value = list.chars().take(80).collect();
            return Err(CgroupError::InvalidSetting { setting: name, value, rule: "a list such as 0-2,7" });
        }
        plan.add(Controller::Cpuset, name, file, list);
    }
    Ok(())
}

/// Zero and less are no limit, as Docker has it: a specification without `limit` reads as 0.
pub(super) fn pids(pids: Pids) -> Setting {
    let limited = pids.limit > 0;
    let value = if limited { pids.limit.to_string() } else { "max".to_owned() };
    Setting { optional: !limited, ..setting(Controller::Pids, "pids.limit", "pids.max", value) }
}

pub(super) fn hugetlb(
    limits: &[HugepageLimit],
    version: Version,
    plan: &mut Plan,
) -> Result<(), CgroupError> {
    for limit in limits {
        let size = &limit.page_size;
        let digits = size.trim_end_matches("KB").trim_end_matches("MB").trim_end_matches("GB");
        let fits = digits.len() + 2 == size.len() && (1..=4).contains(&digits.len());
        if !fits || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CgroupError::InvalidSetting {
                setting: "hugepageLimits",
                value: size.chars().take(80).collect(),
                rule: "a page size such as 2MB",
            });
        }
        let (usage, reserved) = match version {
            Version::V1 => {
                (format!("hugetlb.{size}.limit_in_bytes"), format!("hugetlb.{size}.rsvd.limit_in_bytes"))
            }
            Version::V2 => (format!("hugetlb.{size}.max"), format!("hugetlb.{size}.rsvd.max")),
        };
        let one = setting(Controller::Hugetlb, "hugepageLimits", "", limit.limit);
        // Reservations were added in 5.7 and some distributions leave them out; runc sets them where they are.
        plan.0.push(Step::Write(Setting { file: reserved.into(), optional: true, ..one.clone() }));
        plan.0.push(Step::Write(Setting { file: usage.into(), ..one }));
    }
    Ok(())
}

/// The file has one name and form in both versions.
pub(super) fn rdma(limits: &BTreeMap<String, Rdma>, plan: &mut Plan) -> Result<(), CgroupError> {
    for (device, limit) in limits {
        if device.is_empty() || device.len() > 64 || device.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(CgroupError::InvalidSetting {
                setting: "rdma",
                value: device.chars().take(80).collect(),
                rule: "not a device name",
            });
        }
        let mut value = device.clone();
        for (key, count) in [("hca_handle", limit.hca_handles), ("hca_object", limit.hca_objects)] {
            if let Some(count) = count {
                value.push_str(&format!(" {key}={count}"));
            }
        }
        plan.add(Controller::Rdma, "rdma", "rdma.max", value);
    }
    Ok(())
}

/// Files of v2 as they are (runtime-spec "Unified").
pub(super) fn unified(files: &BTreeMap<String, String>, plan: &mut Plan) -> Result<(), CgroupError> {
    for (file, value) in files {
        let invalid = |rule| CgroupError::InvalidSetting {
            setting: "unified",
            value: file.chars().take(80).collect(),
            rule,
        };
        let (controller, rest) =
            file.split_once('.').ok_or_else(|| invalid("a file name such as memory.high"))?;
        let fits = !rest.is_empty()
            && file.len() < 256
            && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
        if !fits {
            return Err(invalid("a file name such as memory.high"));
        }
        plan.0.push(Step::Write(Setting {
            place: Place::Unified(Controller::from_name(controller)),
            name: format!("unified {file}").into(),
            file: file.clone().into(),
            value: value.clone(),
            otherwise: None,
            optional: false,
        }));
    }
    Ok(())
}
