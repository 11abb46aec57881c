"""Settings of the pictures: what is drawn, or what is read from somebody's own class folders."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from linesexp.errors import ConfigError
from linesexp.section import Section
from linesexp.wording import shown

Fraction = Annotated[float, Meta(gt=0, lt=1)]
AtLeastOne = Annotated[int, Meta(ge=1)]
Contrast = Literal["bright", "dark", "mixed"]
Count = Annotated[int, Meta(ge=0)]
OF_OWN = ("size", "validation_share", "test_share", "data_seed", "folders")  # settings without lines


class FolderPictures(Section, frozen=True, kw_only=True):
    """A record of the class folders that own pictures came from; nobody sets it, reading them does.

    classes: the folders' names, in the order of the labels; empty before the folders were read. pictures: how
    many were taken, 0 in a record from before this was kept.
    sha256: digest of the names (inside the folder that holds the classes) and contents of all picture
    files. split_given: whether train, validation and test were folders too. What was left out: broken
    files, repeated pictures beyond the first, and ambiguous ones, which lie in several classes.
    """

    classes: tuple[str, ...] = ()
    channels: Literal[1, 3] = 1
    pictures: Count = 0
    sha256: str = ""
    split_given: bool = False
    broken: Count = 0
    repeated: Count = 0
    ambiguous: Count = 0


class ImagesConfig(Section, frozen=True, kw_only=True):
    """The pictures: what is drawn, how many, and how they are split; or which of one's own they are."""

    size: Annotated[int, Meta(ge=8, le=1024, description="side of the square pictures, px")] = 50
    pictures_per_class: Annotated[int, Meta(ge=3, description="distinct pictures of each class")] = 600
    angles_deg: Annotated[
        tuple[Annotated[float, Meta(ge=0, lt=180)], ...],
        Meta(min_length=2, description="one class for each angle; 0 is horizontal, counter-clockwise"),
    ] = (0.0, 90.0)
    angle_jitter_deg: Annotated[
        float, Meta(ge=0, le=45, description="each line turned by up to this much either way")
    ] = 0.0
    thickness_px: Annotated[tuple[AtLeastOne, AtLeastOne], Meta(description="thinnest and thickest line")] = (
        1,
        3,
    )
    length_px: Annotated[tuple[AtLeastOne, AtLeastOne], Meta(description="shortest and longest line")] = (
        10,
        50,
    )
    margin_px: Annotated[
        int, Meta(ge=0, description="least distance from a line to the border that it runs along")
    ] = 5
    contrast: Annotated[
        Contrast, Meta(description="bright lines on dark, dark lines on bright, or both mixed")
    ] = "bright"
    noise: Annotated[
        float, Meta(ge=0, le=1, description="standard deviation of Gaussian noise; black is 0, white 1")
    ] = 0.0
    blur_px: Annotated[float, Meta(ge=0, le=50, description="standard deviation of Gaussian blur")] = 0.0
    validation_share: Annotated[
        Fraction, Meta(description="share of positions, or of own pictures, kept for validation")
    ] = 0.15
    test_share: Annotated[
        Fraction, Meta(description="share of positions, or of own pictures, kept for the test")
    ] = 0.15
    data_seed: Annotated[int, Meta(ge=0, description="seed of the pictures, their split and their order")] = 0
    folders: Annotated[
        FolderPictures | None, Meta(description="what is known of own class folders; from reading them only")
    ] = None

    records: ClassVar[tuple[str, ...]] = ("folders",)

    def check(self) -> None:
        if self.validation_share + self.test_share >= 0.9:
            raise ConfigError(
                f"validation_share + test_share = {self.validation_share + self.test_share:g}: "
                "must stay below 0.9, so that something is left to learn from"
            )
        if self.folders is None:
            self._check_lines()
            return
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            if field.name not in OF_OWN and value != field.default:
                raise ConfigError(
                    f"{field.name} = {shown(value)}: a setting of drawn lines; for pictures of your own there "
                    f"are {', '.join(OF_OWN[:-1])}"
                )

    def _check_lines(self) -> None:
        for name in ("thickness_px", "length_px"):
            low, high = getattr(self, name)
            if low > high:
                raise ConfigError(f"{name} = {low},{high}: the smaller number comes first")
            if high > self.size:
                raise ConfigError(
                    f"{name} = {low},{high}: at most {self.size} fits into {self.size}-pixel pictures"
                )
        if self.thickness_px[1] >= self.length_px[0]:
            raise ConfigError(
                f"thickness_px = {shown(self.thickness_px)}: a line must be longer than thick, "
                f"so at most {self.length_px[0] - 1} with length_px = {shown(self.length_px)}"
            )
        room = (self.size - self.thickness_px[1]) // 2
        if self.margin_px > room:
            raise ConfigError(
                f"margin_px = {self.margin_px}: at most {room} leaves room for a line of "
                f"{self.thickness_px[1]} px in {self.size}-pixel pictures"
            )
        angles = sorted(self.angles_deg)
        gap = min((b - a for a, b in zip(angles, [*angles[1:], angles[0] + 180], strict=True)), default=180)
        if gap <= 2 * self.angle_jitter_deg:
            raise ConfigError(
                f"angles_deg = {shown(self.angles_deg)}: two classes are {gap:g}° apart, "
                f"which must be more than twice angle_jitter_deg = {self.angle_jitter_deg:g}"
            )

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name for each angle, or for each class folder, in the order of the labels."""
        if self.folders is not None:
            return self.folders.classes
        named = {0.0: "horizontal", 90.0: "vertical"}
        return tuple(named.get(angle, f"angle_{shown(angle)}") for angle in self.angles_deg)
