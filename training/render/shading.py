"""Looks and skies as Blender's nodes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from training.render import blender
from training.render.looks import Body, Colour, Look, Pattern, darker
from training.render.surroundings import Sky, SkyKind

OUT = "out"
VEIL = "veil"
"""Names of the nodes that `glow` looks for."""


class Nodes:
    """A node tree being built. A socket is Blender's own object, hence Any."""

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        tree.nodes.clear()

    def add(self, kind: str, inputs: Mapping[Any, Any] | None = None, **settings: Any) -> Any:
        """A node with settings; each of its `inputs` gets a value or another node's output."""
        node = self._tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            if hasattr(value, "is_output"):
                self._tree.links.new(value, node.inputs[name])
            else:
                node.inputs[name].default_value = value
        return node

    def ramp(self, by: Any, colours: tuple[Colour, ...], places: tuple[float, ...], *, steps: bool = False) -> Any:
        """Colours at `places` (0..1) of a value."""
        node = self.add("ShaderNodeValToRGB", {"Fac": by})
        elements = node.color_ramp.elements
        while len(elements) < len(colours):
            elements.new(0.5)
        for element, colour, place in zip(elements, colours, places, strict=True):
            element.position, element.color = place, (*colour, 1)
        if steps:
            node.color_ramp.interpolation = "CONSTANT"
        return node.outputs[0]


def material(look: Look) -> Any:
    """A material that looks so."""
    made = blender.data.materials.new(look.body)
    nodes = Nodes(_tree(made))
    nodes.add("ShaderNodeOutputMaterial", {"Surface": BODIES[look.body](nodes, look)}, name=OUT)
    return made


def glow(made: Any) -> None:
    """Make a material shine white with strength 1 where it hides what is behind it, and do nothing else.

    Rendered in the dark its colour is its alpha, without noise: only what is mirrored or bent is drawn by chance.
    """
    nodes, links = made.node_tree.nodes, made.node_tree.links
    light = nodes.new("ShaderNodeEmission").outputs[0]
    veil = nodes.get(VEIL)
    links.new(light, veil.inputs[2] if veil else nodes[OUT].inputs["Surface"])


def world(sky: Sky) -> Any:
    """A world that shines so."""
    made = blender.data.worlds.new("sky")
    nodes = Nodes(_tree(made))
    # The automatic importance map costs 1 to 3 seconds per picture.
    made.cycles.sampling_method = "MANUAL"
    made.cycles.sample_map_resolution = 64
    light = nodes.add("ShaderNodeBackground", {"Color": _sky_colour(nodes, sky), "Strength": sky.strength})
    nodes.add("ShaderNodeOutputWorld", {"Surface": light.outputs[0]})
    return made


def _sky_colour(nodes: Nodes, sky: Sky) -> Any:
    if sky.kind is SkyKind.FLAT:
        return (*darker(sky.bright, 0.5), 1)
    towards = nodes.add("ShaderNodeTexCoord").outputs["Generated"]
    if sky.kind is SkyKind.BLOCKS:
        inputs = {"Vector": towards, "Scale": sky.scale}
        pattern = nodes.add("ShaderNodeTexVoronoi", inputs, distance="CHEBYCHEV").outputs["Distance"]
    else:
        pattern = nodes.add("ShaderNodeTexNoise", {"Vector": towards, "Scale": sky.scale}).outputs[0]
    return nodes.ramp(pattern, (sky.dark, sky.bright), (sky.low, sky.high))


def _tree(owner: Any) -> Any:
    if owner.node_tree is None:
        owner.use_nodes = True
    return owner.node_tree


def _solid(nodes: Nodes, look: Look) -> Any:
    vector = _vector(nodes, look)
    pattern = PATTERNS[look.pattern](nodes, look, vector)
    inputs = {
        "Base Color": _colour(nodes, look, pattern),
        "Roughness": _roughness(nodes, look, vector),
        "Metallic": look.metallic,
        "Coat Weight": look.coat,
        "Sheen Weight": look.sheen,
        "Transmission Weight": look.transmission,
        "Subsurface Weight": look.subsurface,
        "Subsurface Scale": 0.05,
    }
    if look.bump:
        height = pattern if look.relief else _noise(nodes, vector, look.bump_scale, detail=6)
        bump = nodes.add("ShaderNodeBump", {"Height": height, "Strength": look.bump, "Distance": 0.01})
        inputs["Normal"] = bump.outputs[0]
    return nodes.add("ShaderNodeBsdfPrincipled", inputs).outputs[0]


def _sheer(nodes: Nodes, look: Look) -> Any:
    facing = nodes.add("ShaderNodeLayerWeight", {"Blend": 0.4}).outputs["Facing"]
    # Seen from the side, more threads are in the way.
    limits = {"Value": facing, "To Min": look.opacity, "To Max": min(1.0, look.opacity + 0.4)}
    opacity = nodes.add("ShaderNodeMapRange", limits).outputs[0]
    if look.holes:
        cells = nodes.add("ShaderNodeTexVoronoi", {"Vector": _vector(nodes, look), "Scale": look.holes})
        edge = {"Value": cells.outputs["Distance"], "From Min": 0.25, "From Max": 0.3}
        threads = nodes.add("ShaderNodeMapRange", edge).outputs[0]
        opacity = nodes.add("ShaderNodeMath", {0: opacity, 1: threads}, operation="MAXIMUM").outputs[0]
    through = nodes.add("ShaderNodeBsdfTransparent").outputs[0]
    return _mixed(nodes, opacity, through, _solid(nodes, look), name=VEIL)


def _leaf(nodes: Nodes, look: Look) -> Any:
    light = nodes.add("ShaderNodeBsdfTranslucent", {"Color": (*look.colours[-1], 1)}).outputs[0]
    return _mixed(nodes, 0.3, _solid(nodes, look), light)


def _fibre(nodes: Nodes, look: Look) -> Any:
    each = nodes.add("ShaderNodeHairInfo").outputs["Random"]
    inputs = {
        "Base Color": nodes.ramp(each, look.colours, _evenly(look)),
        "Roughness": look.roughness[0],
        "Sheen Weight": look.sheen,
    }
    return nodes.add("ShaderNodeBsdfPrincipled", inputs).outputs[0]


def _hair(nodes: Nodes, look: Look) -> Any:
    inputs = {
        "Melanin": look.melanin,
        "Melanin Redness": look.sheen,
        "Random Color": 0.3,
        "Roughness": look.roughness[1],
        "Random Roughness": 0.3,
    }
    return nodes.add("ShaderNodeBsdfHairPrincipled", inputs, parametrization="MELANIN").outputs[0]


BODIES: dict[Body, Callable[[Nodes, Look], Any]] = {
    Body.SOLID: _solid,
    Body.SHEER: _sheer,
    Body.LEAF: _leaf,
    Body.FIBRE: _fibre,
    Body.HAIR: _hair,
}


def _mixed(nodes: Nodes, share: Any, first: Any, second: Any, name: str = "mix") -> Any:
    return nodes.add("ShaderNodeMixShader", {0: share, 1: first, 2: second}, name=name).outputs[0]


def _colour(nodes: Nodes, look: Look, pattern: Any) -> Any:
    if pattern is None:
        return (*look.colours[0], 1)
    if look.pattern in {Pattern.PICTURE, Pattern.CHEQUERS, Pattern.BRICKS}:
        return pattern
    return nodes.ramp(pattern, look.colours, _evenly(look), steps=look.steps)


def _evenly(look: Look) -> tuple[float, ...]:
    count = len(look.colours)
    return tuple(place / max(1, count if look.steps else count - 1) for place in range(count))


def _roughness(nodes: Nodes, look: Look, vector: Any) -> Any:
    low, high = look.roughness
    if low == high:
        return low
    wear = _noise(nodes, vector, 4, detail=4)
    return nodes.add("ShaderNodeMapRange", {"Value": wear, "To Min": low, "To Max": high}).outputs[0]


def _vector(nodes: Nodes, look: Look) -> Any:
    if look.pattern is Pattern.PICTURE:
        return nodes.add("ShaderNodeTexCoord").outputs["UV"]
    place = nodes.add("ShaderNodeTexCoord").outputs["Object"]
    inputs = {"Vector": place, "Scale": look.stretch, "Rotation": look.turn, "Location": look.shift}
    return nodes.add("ShaderNodeMapping", inputs).outputs[0]


def _noise(nodes: Nodes, vector: Any, scale: float, *, detail: float, distortion: float = 0.0) -> Any:
    inputs = {"Vector": vector, "Scale": scale, "Detail": detail, "Roughness": 0.6, "Distortion": distortion}
    return nodes.add("ShaderNodeTexNoise", inputs).outputs[0]


def _plain(_nodes: Nodes, _look: Look, _vector: Any) -> Any:
    return None


def _clouds(nodes: Nodes, look: Look, vector: Any) -> Any:
    return _noise(nodes, vector, look.scale, detail=8, distortion=look.distortion)


def _waves(nodes: Nodes, look: Look, vector: Any, along: str = "X") -> Any:
    inputs = {"Vector": vector, "Scale": look.scale, "Distortion": look.distortion, "Detail": 3.0}
    return nodes.add("ShaderNodeTexWave", inputs, bands_direction=along).outputs["Fac"]


def _weave(nodes: Nodes, look: Look, vector: Any) -> Any:
    threads = [_waves(nodes, look, vector, along) for along in "XZ"]
    return nodes.add("ShaderNodeMath", {0: threads[0], 1: threads[1]}, operation="MULTIPLY").outputs[0]


def _cells(nodes: Nodes, look: Look, vector: Any) -> Any:
    return nodes.add("ShaderNodeTexVoronoi", {"Vector": vector, "Scale": look.scale}).outputs["Color"]


def _chequers(nodes: Nodes, look: Look, vector: Any) -> Any:
    first, second = look.colours[:2]
    inputs = {"Vector": vector, "Scale": look.scale, "Color1": (*first, 1), "Color2": (*second, 1)}
    return nodes.add("ShaderNodeTexChecker", inputs).outputs["Color"]


def _bricks(nodes: Nodes, look: Look, vector: Any) -> Any:
    first, second = look.colours[:2]
    inputs = {
        "Vector": vector, "Scale": look.scale, "Color1": (*first, 1), "Color2": (*second, 1),
        "Mortar": (*darker(first, 0.3), 1), "Mortar Size": 0.01, "Brick Width": 0.6, "Row Height": 0.3,
    }  # fmt: skip
    return nodes.add("ShaderNodeTexBrick", inputs).outputs["Color"]


def _picture(nodes: Nodes, look: Look, vector: Any) -> Any:
    if look.picture is None:
        raise ValueError("a look with the pattern PICTURE needs a picture")
    height, width = look.picture.shape[:2]
    image = blender.data.images.new("label", width, height)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = look.picture[::-1].astype(np.float32) / 255  # rows from below; bytes are taken as sRGB
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return nodes.add("ShaderNodeTexImage", {"Vector": vector}, image=image).outputs["Color"]


PATTERNS: dict[Pattern, Callable[[Nodes, Look, Any], Any]] = {
    Pattern.PLAIN: _plain,
    Pattern.CLOUDS: _clouds,
    Pattern.WAVES: _waves,
    Pattern.WEAVE: _weave,
    Pattern.CELLS: _cells,
    Pattern.CHEQUERS: _chequers,
    Pattern.BRICKS: _bricks,
    Pattern.PICTURE: _picture,
}
