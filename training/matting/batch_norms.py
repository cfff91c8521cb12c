"""Batch norms that pass on what they get, so that weights with theirs folded in can be trained on."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def calibrate(network: nn.Module, picture: Tensor) -> None:
    """Set the statistics of each batch norm to those of `picture`, a batch of what the network takes.

    Scale and shift follow, so that the network computes what it computed before. Folded weights then start where they
    ended, and training finds normalised layers.
    """

    def settle(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None  # noqa: S101, PT018
        variance, mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3))
        slope = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias.add_(slope * (mean - norm.running_mean))
        norm.weight.copy_(slope * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(settle) for norm in norms]
    was = network.training
    network.eval()
    network(picture)
    network.train(was)
    for hook in hooks:
        hook.remove()
