"""The laboratory of the Learn page: a GAN of points in the plane, in numpy, whose every half-move is a frame with an address.

settings (what is played, and how a link says it) · moves (how far) · data · nets · losses · game (the half-moves) · frames (what
is seen after one) · cache (frames on disk) · player (the process that computes) · players (how the server asks it) · chapters
"""
