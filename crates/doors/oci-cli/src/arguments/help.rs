//! What `--help` prints.

pub(crate) const HELP: &str = "\
Usage: sampan-runtime [--root DIR] [--log FILE] [--log-format text|json] [--cgroup-manager cgroupfs|disabled]
                      [--rootless true|false|auto] COMMAND

An OCI runtime with runc's command line. Options may stand before or after the container's id.

  create [-b BUNDLE] [--console-socket PATH] [--pidfd-socket PATH] [--pid-file FILE] [--preserve-fds N]
         [--no-pivot] [--no-new-keyring] ID          create a container; it waits for start
  start ID                                           let a created container execute its program
  run [-d] [--keep] [options of create] ID           create and start, and stay until it ends
  exec [-t] [-d] [-e NAME=VALUE] [-u UID[:GID]] [-g GID] [-c CAPABILITY] [-p PROCESS.json] [--cwd DIR]
       [--cgroup PATH] [--ignore-paused] [--no-new-privs] [--apparmor PROFILE] [--process-label LABEL]
       [--console-socket PATH] [--pidfd-socket PATH] [--pid-file FILE] [--preserve-fds N] ID COMMAND...
                                                     execute a further program in a container
  kill [-a] ID [SIGNAL]                              send a signal, TERM by default
  delete [-f] ID                                     remove a container that has ended
  state ID                                           show a container's state as JSON
  list [-f table|json] [-q]                          list containers
  ps [-f table|json] ID [options of ps]              list its processes
  pause ID, resume ID                                halt all its processes, and let them go on
  update [-r FILE] [--memory SIZE] [--memory-reservation SIZE] [--memory-swap SIZE] [--cpu-share N]
         [--cpu-quota N] [--cpu-period N] [--cpu-burst N] [--cpu-idle 0|1] [--cpu-rt-period N]
         [--cpu-rt-runtime N] [--cpuset-cpus LIST] [--cpuset-mems LIST] [--pids-limit N] [--blkio-weight N] ID
                                                     change its resource limits
  events [--stats] [--interval TIME] ID              tell what it uses, and when memory runs out, as JSON
  checkpoint [options] ID, restore [options] ID      write its state down and go on from it (needs CRIU)
  spec [-b BUNDLE] [--rootless]                      write an example config.json
  features                                           show what this runtime can do, as JSON
";
