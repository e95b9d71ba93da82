"""The laboratory of the Learn page: a GAN of points in the plane, in numpy, whose every half-move is a frame with an address.

settings (what is played) · moves (how far, as text of a link) · data (the real points) · networks · losses · game (the turns) ·
frames (what is seen after a turn) · frame_cache (frames on disk) · frame_process (computes them) · frame_server (asks it) ·
chapters (the lessons) · toy (a game without a page: how many modes does it find?)
"""
