//! What `stats` says, against programs that use exactly what is known.

use tests::{Sampan, isolated};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

fn stat(sampan: &Sampan, name: &str, template: &str) -> String {
    sampan.run(["stats", "--no-stream", "--format", template, name]).ok().word()
}

/// Docker's `48.52MiB`, in mebibytes.
fn mebibytes(text: &str) -> f64 {
    let of = |unit: &str| text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
    of("MiB").or_else(|| of("GiB").map(|number| number * 1024.0)).unwrap_or_else(|| panic!("{text}"))
}

/// Two containers, one of which has written so many bytes more: their difference is known to a page.
#[test]
fn memory_agrees_with_a_known_allocator() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = |name| ["--name", name, "--network", "none", "--tmpfs", "/m:size=400m"];
        let script = |count: u32| {
            format!(
                "dd if=/dev/zero of=/m/x bs=1048576 count={count} 2>/dev/null; echo ready; exec sleep 1000"
            )
        };
        for (name, count) in [("little", 0), ("much", 256)] {
            let _ = sampan.background(&options(name), &script(count));
            sampan.await_log(name, "ready");
        }
        let used = |name: &str| {
            let text = stat(sampan, name, "{{.MemUsage}}");
            mebibytes_or_less(text.split_once(" / ").unwrap().0)
        };
        let allocated = used("much") - used("little");
        println!("allocated 256 MiB; stats tell of {allocated:.2} MiB");
        assert!((allocated - 256.0).abs() / 256.0 < 0.01, "{allocated} MiB");
        // And with the kernel's own file.
        let id = sampan.field("much", "{{.Id}}");
        let kernel: f64 =
            sampan.cgroup_file(&id, &["memory.usage_in_bytes", "memory.current"]).parse().unwrap();
        let told = used("much");
        println!("the kernel's file says {:.2} MiB, stats {told:.2} MiB", kernel / MEBIBYTE);
        assert!((told - kernel / MEBIBYTE).abs() / told < 0.01, "{told} MiB, kernel {kernel}");
    });
}

fn mebibytes_or_less(text: &str) -> f64 {
    text.strip_suffix("KiB").map_or_else(|| mebibytes(text), |number| number.parse::<f64>().unwrap() / 1024.0)
}

/// A loop without a limit takes what the kernel says it took, and never more than one processor.
#[test]
fn processors_agree_with_a_known_loop() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "echo ready; while :; do :; done";
        let id = sampan.background(&["--name", "whole", "--network", "none"], script);
        sampan.await_log("whole", "ready");
        // The kernel counts for itself around the same second.
        let counted = || -> f64 {
            let text = sampan.cgroup_file(&id, &["cpuacct.usage", "cpu.stat"]);
            text.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
        };
        let unit = if sampan.has_cgroup_file(&id, "cpuacct.usage") { 1e9 } else { 1e6 };
        let (began, before) = (std::time::Instant::now(), counted());
        let told: f64 = stat(sampan, "whole", "{{.CPUPerc}}").trim_end_matches('%').parse().unwrap();
        let kernel = (counted() - before) / unit / began.elapsed().as_secs_f64() * 100.0;
        println!("one busy loop: stats {told:.1} %, the kernel {kernel:.1} %");
        assert!(told <= 101.0, "{told} % of one processor");
        // Of the same second but for its edges; a machine that does other things shares the processor unevenly.
        assert!((told - kernel).abs() < 10.0, "stats {told} %, kernel {kernel} %");
    });
}
