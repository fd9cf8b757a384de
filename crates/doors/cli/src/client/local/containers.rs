//! Containers of the engine.

use super::create::{AS_IT_IS, refusal};
use super::from_engine_container::inspect;
use super::to_engine_create::{container_config, name, update_request};
use super::{Local, failed, list_containers, not_looked_up, top};
use crate::client::{
    CommitOptions, Containers, CreateQuery, Files, ListQuery, LogEntries, LogQuery, Refusal,
};
use crate::failure::Failure;
use docker_model::{
    ContainerCreateRequest, ContainerCreateResponse, ContainerInspect, ContainerStats, ContainerSummary,
    ContainerTopResponse, ContainerUpdateRequest, FilesystemChange,
};
use engine::containers::ChangeKind;
use engine::{FileChange, RemoveOptions};
use std::io::Write;

impl Containers for Local {
    fn create(
        &self,
        request: &ContainerCreateRequest,
        query: &CreateQuery<'_>,
    ) -> Result<ContainerCreateResponse, Refusal> {
        let config = container_config(request, query).map_err(|error| failed(error).with_code(125))?;
        let created = self.engine.create(config, AS_IT_IS).map_err(|error| refusal(error, query.pull))?;
        Ok(ContainerCreateResponse { id: created.id.to_string(), warnings: created.warnings })
    }

    fn list_containers(&self, query: &ListQuery<'_>) -> Result<Vec<ContainerSummary>, Failure> {
        list_containers::list(&self.engine, query)
    }

    fn inspect_container(&self, container: &str, size: bool) -> Result<ContainerInspect, Failure> {
        let view = self.engine.inspect(container).map_err(not_looked_up)?;
        let mut whole = inspect(&view);
        if size {
            let usage = self.engine.disk_usage().map_err(failed)?;
            (whole.size_rw, whole.size_root_fs) = list_containers::sizes(&usage, &view);
        }
        Ok(whole)
    }

    fn rename(&self, container: &str, to: &str) -> Result<(), Failure> {
        self.engine.rename(container, &name(to).map_err(failed)?).map_err(failed)
    }

    fn update(&self, container: &str, request: &ContainerUpdateRequest) -> Result<Vec<String>, Failure> {
        self.engine.update(container, &update_request(request).map_err(failed)?).map_err(failed)
    }

    fn remove(&self, container: &str, force: bool, volumes: bool) -> Result<(), Failure> {
        self.engine.remove(container, RemoveOptions { force, volumes }).map_err(failed)
    }

    fn files(&self, container: &str) -> Result<Box<dyn Files + '_>, Failure> {
        Ok(Box::new(self.engine.container_files(container).map_err(failed)?))
    }

    fn changes(&self, container: &str) -> Result<Vec<FilesystemChange>, Failure> {
        let changes = self.engine.changes(container).map_err(failed)?;
        Ok(changes.iter().map(change).collect())
    }

    fn export(&self, container: &str, out: &mut dyn Write) -> Result<(), Failure> {
        self.engine.export(container, out).map_err(failed)
    }

    fn commit(&self, container: &str, options: &CommitOptions) -> Result<String, Failure> {
        self.engine.commit(container, options).map(|image| image.id.to_string()).map_err(failed)
    }

    fn logs(&self, container: &str, query: &LogQuery) -> Result<LogEntries<'_>, Failure> {
        let reader = self.engine.logs(container, query).map_err(failed)?;
        Ok(Box::new(reader.map(|entry| entry.map_err(failed))))
    }

    fn top(&self, container: &str, options: &[&str]) -> Result<ContainerTopResponse, Failure> {
        top::top(&self.engine.processes(container).map_err(failed)?, options)
    }

    fn stats(&self, container: &str) -> Result<ContainerStats, Failure> {
        let sample = self.engine.sample(container).map_err(failed)?;
        Ok(super::from_engine_sample::stats(sample, self.capacity()?))
    }
}

fn change(change: &FileChange) -> FilesystemChange {
    let kind = match change.kind {
        ChangeKind::Changed => 0,
        ChangeKind::Added => 1,
        ChangeKind::Deleted => 2,
    };
    FilesystemChange { path: change.path.display().to_string(), kind }
}
