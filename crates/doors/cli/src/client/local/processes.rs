//! Containers that run.

use super::create::{AS_IT_IS, refusal};
use super::to_engine_create::container_config;
use super::{Local, failed};
use crate::client::{CreateQuery, Process, Processes, Refusal, StartQuery, StopQuery, Stream, Streams};
use crate::failure::Failure;
use docker_model::{ContainerCreateRequest, ContainerWaitError, ContainerWaitResponse, ExecCreateRequest};
use engine::{
    Connection, ContainerId, ExecConfig, RunError, Running, StartOptions, StopOptions, WaitCondition,
};

fn boxed(connection: Connection) -> Box<dyn Stream> {
    Box::new(connection)
}

impl From<Running> for Process {
    fn from(running: Running) -> Self {
        Self {
            id: running.id.to_string(),
            tty: running.tty,
            stream: running.connection.map(boxed),
            warnings: running.warnings,
            auto_remove: running.auto_remove,
        }
    }
}

fn start_options(query: &StartQuery) -> StartOptions {
    StartOptions { streams: query.streams, terminal_size: query.terminal_size, engine_waits: query.wait }
}

fn stop_options(query: &StopQuery) -> StopOptions {
    StopOptions { signal: query.signal.clone(), timeout_seconds: query.timeout_seconds }
}

impl Processes for Local {
    fn run(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
        start: &StartQuery,
    ) -> Result<Process, Refusal> {
        let config = container_config(request, query).map_err(|error| failed(error).with_code(125))?;
        match self.engine.run(config, AS_IT_IS, start_options(start)) {
            Ok(running) => Ok(running.into()),
            Err(RunError::Create(error)) => Err(refusal(error, query.pull)),
            Err(error) => {
                let code = error.exit_code();
                Err(Refusal::Failed(failed(error).with_code(code)))
            }
        }
    }

    fn start(&self, container: &str, query: &StartQuery) -> Result<Process, Failure> {
        match self.engine.start(container, start_options(query)) {
            Ok(running) => Ok(running.into()),
            Err(error) => {
                let code = error.exit_code();
                Err(failed(error).with_code(code))
            }
        }
    }

    fn finish(&self, id: &str) -> Result<(), Failure> {
        self.engine.reap(&ContainerId::parse(id).map_err(failed)?).map_err(failed)
    }

    fn attach(&self, container: &str, streams: Streams) -> Result<Process, Failure> {
        let attached = self.engine.attach(container, streams).map_err(failed)?;
        Ok(Process {
            id: attached.id.to_string(),
            tty: attached.tty,
            stream: Some(boxed(attached.connection)),
            warnings: Vec::new(),
            auto_remove: false,
        })
    }

    fn exec(&self, container: &str, request: &ExecCreateRequest) -> Result<Process, Failure> {
        let config = ExecConfig {
            command: request.cmd.clone().unwrap_or_default(),
            env: request.env.clone().unwrap_or_default(),
            user: Some(request.user.clone()).filter(|user| !user.is_empty()),
            working_dir: Some(request.working_dir.clone()).filter(|path| !path.is_empty()),
            tty: request.tty,
            privileged: request.privileged,
            streams: Streams {
                stdin: request.attach_stdin,
                stdout: request.attach_stdout,
                stderr: request.attach_stderr,
            },
            terminal_size: request.console_size.map(|[rows, columns]| (rows, columns)),
        };
        match self.engine.exec(container, &config) {
            Ok(running) => Ok(Process {
                id: running.container.to_string(),
                tty: request.tty,
                stream: Some(boxed(running.connection)),
                warnings: Vec::new(),
                auto_remove: false,
            }),
            Err(error) => {
                let code = error.exit_code();
                Err(failed(error).with_code(code))
            }
        }
    }

    fn stdio(&self, container: &str) -> Result<(bool, bool), Failure> {
        let view = self.engine.inspect(container).map_err(failed)?;
        Ok((view.config.tty, view.config.open_stdin))
    }

    fn kill(&self, container: &str, signal: &str) -> Result<(), Failure> {
        self.engine.kill(container, signal).map_err(failed)
    }

    fn stop(&self, container: &str, query: &StopQuery) -> Result<(), Failure> {
        self.engine.stop(container, &stop_options(query)).map_err(failed)
    }

    fn restart(&self, container: &str, query: &StopQuery) -> Result<(), Failure> {
        self.engine.restart(container, &stop_options(query)).map_err(failed)
    }

    fn wait(&self, container: &str) -> Result<ContainerWaitResponse, Failure> {
        let outcome = self.engine.wait(container, WaitCondition::NotRunning).map_err(failed)?;
        let error = (!outcome.error.is_empty()).then_some(ContainerWaitError { message: outcome.error });
        Ok(ContainerWaitResponse { status_code: outcome.exit_code.into(), error })
    }

    fn pause(&self, container: &str) -> Result<(), Failure> {
        self.engine.pause(container).map_err(failed)
    }

    fn unpause(&self, container: &str) -> Result<(), Failure> {
        self.engine.unpause(container).map_err(failed)
    }
}
