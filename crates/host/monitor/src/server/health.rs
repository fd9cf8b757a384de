//! Health probes: a process in the container every so often, and a verdict from how the last ones ended.

use super::Monitor;
use super::isolation::ExecRequest;
use super::process::Purpose;
use super::timers::Timer;
use crate::clock;
use crate::desired::HealthPlan;
use crate::facts::{self, Durability, Health, HealthStatus, Probe};
use crate::layout::data;
use crate::protocol::Streams;
use std::os::fd::AsFd;
use std::time::Duration;

/// Probes that are remembered, as in Docker.
const LOG_MAX: usize = 5;
/// SIGKILL of signal(7).
const SIGKILL: i32 = 9;

/// What the probes have said so far.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) health: Health,
    /// When the running probe began, RFC 3339.
    began: String,
    /// The running probe, if any.
    running: Option<u32>,
    timed_out: bool,
}

/// Takes one result into account; `true` when the verdict changed.
fn judge(health: &mut Health, plan: &HealthPlan, probe: Probe, in_start_period: bool) -> bool {
    let before = health.status;
    if probe.exit_code == 0 {
        health.failing_streak = 0;
        health.status = HealthStatus::Healthy;
    } else if !(in_start_period && health.status == HealthStatus::Starting) {
        health.failing_streak += 1;
        if health.failing_streak >= plan.retries {
            health.status = HealthStatus::Unhealthy;
        }
    }
    health.log.push(probe);
    let surplus = health.log.len().saturating_sub(LOG_MAX);
    health.log.drain(..surplus);
    health.status != before
}

impl Monitor {
    /// The container has started.
    pub(super) fn begin_health(&mut self) {
        self.verdict = Verdict::default();
        if self.desired.health.is_some() {
            self.write_health();
            self.schedule_probe();
        }
    }

    /// The container has ended.
    pub(super) fn end_health(&mut self) {
        self.timers.clear(Timer::Probe);
        self.timers.clear(Timer::ProbeTimeout);
        self.verdict.running = None;
    }

    fn in_start_period(&self, plan: &HealthPlan) -> bool {
        clock::boot_ns().saturating_sub(self.start_ns) < plan.start_period_ns
    }

    fn schedule_probe(&mut self) {
        let Some(plan) = &self.desired.health else { return };
        let starting = self.verdict.health.status == HealthStatus::Starting && self.in_start_period(plan);
        let interval = if starting { plan.start_interval_ns } else { plan.interval_ns };
        self.timers.set(Timer::Probe, clock::boot_ns(), Duration::from_nanos(interval));
    }

    /// A probe is due.
    pub(super) fn probe(&mut self) {
        let (Some(plan), Some(mut process)) =
            (self.desired.health.clone(), self.desired.spec.process.clone())
        else {
            return;
        };
        if self.is_still() {
            // A frozen container can prove nothing; Docker does not probe one either.
            return self.schedule_probe();
        }
        process.args.clone_from(&plan.args);
        process.terminal = false;
        self.verdict.began = clock::now();
        self.verdict.timed_out = false;
        let request = ExecRequest { process: &process, privileged: false };
        match self.exec(Purpose::Probe, &request, Streams::default()) {
            Ok((key, _)) => {
                self.verdict.running = Some(key);
                self.timers.set(Timer::ProbeTimeout, clock::boot_ns(), Duration::from_nanos(plan.timeout_ns));
            }
            Err(failure) => self.probe_ended(Some(failure.exit_code()), failure.message.as_bytes()),
        }
    }

    /// The running probe took too long.
    pub(super) fn probe_timed_out(&mut self) {
        let running = self.verdict.running.and_then(|key| self.processes.get(key));
        if let Some(process) = running {
            self.verdict.timed_out = true;
            // Fails only when it has just ended.
            let _ = kernel::process::send_signal(process.pidfd.as_fd(), SIGKILL);
        }
    }

    /// A probe has ended, or could not be started.
    pub(super) fn probe_ended(&mut self, exit_code: Option<i32>, output: &[u8]) {
        self.timers.clear(Timer::ProbeTimeout);
        self.verdict.running = None;
        let Some(plan) = self.desired.health.clone().filter(|_| self.main.is_some()) else { return };
        let timed_out = self.verdict.timed_out;
        let seconds = plan.timeout_ns / 1_000_000_000;
        let probe = Probe {
            start: self.verdict.began.clone(),
            end: clock::now(),
            exit_code: if timed_out { -1 } else { exit_code.unwrap_or(-1) },
            output: if timed_out {
                format!("Health check exceeded timeout ({seconds}s)")
            } else {
                String::from_utf8_lossy(output).into_owned()
            },
        };
        let in_start_period = self.in_start_period(&plan);
        let changed = judge(&mut self.verdict.health, &plan, probe, in_start_period);
        self.write_health();
        if changed {
            let word = match self.verdict.health.status {
                HealthStatus::Starting => "health_status: starting",
                HealthStatus::Healthy => "health_status: healthy",
                HealthStatus::Unhealthy => "health_status: unhealthy",
            };
            self.event(word, &[]);
        }
        self.schedule_probe();
    }

    fn write_health(&mut self) {
        let result =
            facts::write(&self.place.data_path(), data::HEALTH, &self.verdict.health, Durability::Process);
        if let Err(error) = result {
            self.log_failed(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(exit_code: i32) -> Probe {
        Probe { start: String::new(), end: String::new(), exit_code, output: String::new() }
    }

    #[test]
    fn dockers_verdicts() {
        let plan = HealthPlan {
            args: vec!["x".into()],
            interval_ns: 1,
            timeout_ns: 1,
            start_period_ns: 1,
            start_interval_ns: 1,
            retries: 2,
        };
        let mut health = Health::default();
        assert!(!judge(&mut health, &plan, probe(1), true));
        assert_eq!((health.status, health.failing_streak), (HealthStatus::Starting, 0));
        assert!(!judge(&mut health, &plan, probe(1), false));
        assert!(judge(&mut health, &plan, probe(1), false));
        assert_eq!(health.status, HealthStatus::Unhealthy);
        assert!(judge(&mut health, &plan, probe(0), false));
        assert_eq!((health.status, health.failing_streak), (HealthStatus::Healthy, 0));
        for _ in 0..9 {
            judge(&mut health, &plan, probe(0), false);
        }
        assert_eq!(health.log.len(), LOG_MAX);
    }
}
