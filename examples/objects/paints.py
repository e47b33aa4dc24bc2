"""Which small pictures are wrapped around the objects?  All of them drawn here, none with a random number."""

from math import cos, radians, sin

from PIL import Image, ImageDraw, ImageFilter

SIDE = 128  # pixels


def blank(colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (SIDE, SIDE), colour)
    return image, ImageDraw.Draw(image)


def bands(*colours: str) -> Image.Image:
    """Level bands of equal height, from the top."""
    image, draw = blank(colours[0])
    for number, colour in enumerate(colours):
        top, bottom = number * SIDE // len(colours), (number + 1) * SIDE // len(colours)
        draw.rectangle((0, top, SIDE, bottom - 1), fill=colour)
    return image


def stripes(first: str, second: str, *, count: int) -> Image.Image:
    """Upright stripes, `count` of each colour."""
    image, draw = blank(first)
    for number in range(count):
        left = (2 * number + 1) * SIDE / (2 * count)
        draw.rectangle((left, 0, left + SIDE / (2 * count) - 1, SIDE), fill=second)
    return image


def label(ground: str, paper: str, ink: str) -> Image.Image:
    """A label all around, with a diamond on the front and lines beside it."""
    image, draw = blank(ground)
    draw.rectangle((0, 60, SIDE, 104), fill=paper)
    for left in range(4, SIDE, 32):
        draw.line((left, 72, left + 12, 72), fill=ink, width=2)
        draw.line((left, 92, left + 12, 92), fill=ink, width=2)
    draw.polygon([(64, 64), (76, 82), (64, 100), (52, 82)], fill=ink)
    return image


def staves(wood: str, joint: str, iron: str) -> Image.Image:
    image = stripes(wood, wood, count=1)
    draw = ImageDraw.Draw(image)
    for left in range(0, SIDE, 8):
        draw.line((left, 0, left, SIDE), fill=joint)
    for top in (18, 40, 80, 102):
        draw.rectangle((0, top, SIDE, top + 7), fill=iron)
    return image


def dial(face: str, ink: str) -> Image.Image:
    """Twelve marks and two hands at ten past ten."""
    large = Image.new("RGB", (4 * SIDE, 4 * SIDE), face)
    draw = ImageDraw.Draw(large)
    middle = 2 * SIDE
    for hour in range(12):
        hand(
            draw, middle, hour * 30, inner=0.74 if hour % 3 else 0.66, outer=0.88, width=10 if hour % 3 else 18, ink=ink
        )
    hand(draw, middle, 305, inner=0, outer=0.46, width=18, ink=ink)
    hand(draw, middle, 60, inner=0, outer=0.68, width=12, ink=ink)
    draw.ellipse((middle - 16, middle - 16, middle + 16, middle + 16), fill="#b03020")
    return large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def hand(
    draw: ImageDraw.ImageDraw, middle: int, degrees: float, *, inner: float, outer: float, width: int, ink: str
) -> None:
    """A line at a clock's angle; inner and outer as shares of the radius."""
    x, y = sin(radians(degrees)), -cos(radians(degrees))
    ends = [(middle + x * middle * reach, middle + y * middle * reach) for reach in (inner, outer)]
    draw.line([*ends[0], *ends[1]], fill=ink, width=width)


def cover(ground: str, gold: str) -> Image.Image:
    """A book's cover: a frame, a star, a title."""
    image, draw = blank(ground)
    draw.rectangle((20, 8, 119, 119), outline=gold, width=3)
    draw.polygon(
        [(70, 24), (78, 44), (98, 46), (82, 60), (88, 80), (70, 68), (52, 80), (58, 60), (42, 46), (62, 44)], gold
    )
    draw.line((44, 94, 96, 94), fill=gold, width=5)
    draw.line((54, 106, 86, 106), fill=gold, width=3)
    draw.rectangle((0, 0, 10, SIDE), fill="#40160f")
    return image


def facade(wall: str, frame: str, glass: str, door: str) -> Image.Image:
    image, draw = blank(wall)
    for left in (16, 88):
        draw.rectangle((left, 30, left + 26, 66), fill=frame)
        draw.rectangle((left + 3, 33, left + 23, 63), fill=glass)
        draw.line((left + 13, 33, left + 13, 63), fill=frame, width=2)
        draw.line((left, 48, left + 26, 48), fill=frame, width=2)
    draw.rectangle((50, 58, 78, SIDE), fill=frame)
    draw.rectangle((53, 61, 75, SIDE), fill=door)
    draw.ellipse((69, 92, 73, 96), fill="#e8c050")
    return image


def dots(ground: str, dot: str, *, rows: int, size: int) -> Image.Image:
    image, draw = blank(ground)
    for row in range(rows):
        y = (row + 0.5) * SIDE / rows
        for column in range(rows):
            x = (column + (0.75 if row % 2 else 0.25)) * SIDE / rows
            draw.ellipse((x - size, y - size, x + size, y + size), fill=dot)
    return image


def grain(light: str, dark: str) -> Image.Image:
    """Wood: wavering upright lines, softened."""
    image, draw = blank(light)
    for number, left in enumerate(range(-4, SIDE + 8, 9)):
        line = [(left + 3 * sin(y / 17 + number), y) for y in range(0, SIDE + 1, 4)]
        draw.line(line, fill=dark, width=1 + number % 3)
    return image.filter(ImageFilter.GaussianBlur(1))
