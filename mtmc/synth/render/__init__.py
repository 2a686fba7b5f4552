"""Pixels: what stands still, what moves, the camera's lens and sensor.

``lens`` projects metres to pixels; ``shading`` holds light, haze, silhouettes and shadows; ``scenery`` plants what
lines the roads; ``ground`` paints the road from above, ``still`` trees, posts and buildings; ``view`` composes a
camera's background; ``order`` sorts by depth; ``paint`` draws vehicles, ``lamps`` what shines; ``frames`` draws one
frame with its truth; ``sensor`` adds blur, noise, rain and colour cast.
"""
