"""A scene built in Blender."""

from typing import Any

import numpy as np

from training.render import blender
from training.render.rng import Floats
from training.render.scene import Scene
from training.render.scene_object import Mesh, Part, Strands
from training.render.shading import material, world
from training.render.surroundings import Lamp
from training.render.view import SENSOR, View


def build(scene: Scene) -> list[Any]:
    """Build a scene in the empty file; returns the objects of the set, which the camera does not see yet."""
    materials: dict[int, Any] = {}

    def made(part: Part) -> Any:
        if id(part.look) not in materials:
            materials[id(part.look)] = material(part.look)
        build_part = _mesh if isinstance(part, Mesh) else _strands
        return build_part(part, materials[id(part.look)])  # type: ignore[arg-type]

    thing = [made(part) for part in scene.thing.parts]
    around = [made(part) for part in scene.around]
    for part in around:
        part.visible_camera = False
    for lamp in scene.lamps:
        _lamp(lamp)
    _camera(scene.view)
    blender.scene().world = world(scene.sky)
    if scene.motion is not None:
        _move(thing, scene.motion)
    return around


def _mesh(part: Mesh, look: Any) -> Any:
    mesh = blender.data.meshes.new("mesh")
    mesh.from_pydata(part.vertices.tolist(), [], [[int(place) for place in face] for face in part.faces])
    mesh.update()
    if part.smooth:
        mesh.shade_smooth()
    if part.uv is not None:
        corners = np.empty(len(mesh.loops), np.int32)
        mesh.loops.foreach_get("vertex_index", corners)
        layer = mesh.uv_layers.new(name="uv")
        layer.data.foreach_set("uv", part.uv.astype(np.float32)[corners].ravel())
    mesh.materials.append(look)
    made = blender.put(mesh)
    if part.bevel:
        bevel = made.modifiers.new("bevel", "BEVEL")
        bevel.width, bevel.segments, bevel.limit_method = part.bevel, 3, "ANGLE"
    if part.thickness:
        solid = made.modifiers.new("thickness", "SOLIDIFY")
        solid.thickness, solid.offset = part.thickness, 0
    if part.subdivide:
        rounder = made.modifiers.new("subdivide", "SUBSURF")
        rounder.levels = rounder.render_levels = part.subdivide
    return made


def _strands(part: Strands, look: Any) -> Any:
    count, steps = part.points.shape[:2]
    curves = blender.data.hair_curves.new("strands")
    curves.add_curves([steps] * count)
    curves.attributes["position"].data.foreach_set("vector", part.points.astype(np.float32).ravel())
    radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", np.ascontiguousarray(part.radii, np.float32).ravel())
    curves.materials.append(look)
    return blender.put(curves)


def _lamp(lamp: Lamp) -> None:
    light = blender.data.lights.new("lamp", "AREA" if lamp.size else "SUN")
    light.energy, light.color = lamp.energy, lamp.colour
    if lamp.size:
        light.shape, light.size = lamp.shape, lamp.size
    else:
        light.angle = lamp.angle
    made = blender.put(light)
    made.visible_camera = False
    blender.place(made, lamp.place, _facing(lamp.direction))


def _facing(direction: Floats) -> Floats:
    """Axes [3,3] of what shines or looks along -z, towards `direction`."""
    backwards = -direction
    side = np.cross([0.0, 1.0, 0.0] if abs(backwards[2]) > 0.9 else [0.0, 0.0, 1.0], backwards)
    side /= np.linalg.norm(side)
    return np.column_stack((side, np.cross(backwards, side), backwards))


def _camera(view: View) -> None:
    camera = blender.data.cameras.new("camera")
    camera.lens, camera.sensor_width = view.lens, SENSOR
    camera.clip_start, camera.clip_end = view.distance * 0.01, view.distance * 500
    if view.blur:
        width = view.distance * SENSOR / view.lens
        camera.dof.use_dof, camera.dof.focus_distance = True, view.focus
        camera.dof.aperture_fstop = view.lens / 1000 / (view.blur * width)
        camera.dof.aperture_blades = view.blades
    made = blender.put(camera)
    blender.place(made, view.place, view.axes)
    blender.scene().camera = made


def _move(thing: list[Any], by: Floats) -> None:
    scene = blender.scene()
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.5
    carrier = blender.put(None, "carrier")
    for part in thing:
        part.parent = carrier
    for frame, share in ((0, -1.0), (2, 1.0)):
        carrier.location = by * share
        carrier.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
