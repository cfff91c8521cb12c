"""The model that a clone serves by default."""

from config.settings import RunnerSettings
from models.manifest import ModelManifest

SHIPPED = ModelManifest.load(RunnerSettings().model)
NAME = SHIPPED.name
