import os

__version__ = "0.1.0"

# torch reads it when it first uses a GPU: less memory is lost between blocks of different sizes. A value of the user's own stays.
if "PYTORCH_CUDA_ALLOC_CONF" not in os.environ:
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
