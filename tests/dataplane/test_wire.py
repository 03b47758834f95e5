from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataplane import wire

frames = st.builds(
    wire.Frame, st.integers(0, 65535), st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=300)
)


@given(st.lists(frames, max_size=6), st.integers(1, 64))
def test_frames_survive_any_cutting_of_the_stream(sent: list[wire.Frame], chunk: int) -> None:
    stream = b"".join(wire.encode(*frame) for frame in sent)
    decoder = wire.Decoder()
    received = [frame for at in range(0, len(stream), chunk) for frame in decoder.feed(stream[at : at + chunk])]
    assert received == sent
