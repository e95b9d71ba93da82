"""Every error code stands in the list of gan_core/errors.py, and every code of the list is used."""

import ast
import copy
from pathlib import Path
from typing import get_args

import pytest

from gan_core.errors import Code, FieldErrors, is_out_of_memory

ROOT = Path(__file__).parent.parent


def codes_in(path: Path) -> set[str]:
    """The first argument of every UserError, and the value of every key "code" of a dict, where they are constants."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name == "UserError" or (name == "__init__" and len(node.args) == 3):
                found.append(node.args[0])
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_list_of_codes_is_what_the_source_uses():
    used = set()
    for path in (*(ROOT / "gan_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"):
        used |= codes_in(path)
    listed = get_args(Code)
    assert used == set(listed) and len(listed) == len(set(listed))


def test_a_code_is_found_in_a_source(tmp_path):
    (tmp_path / "a.py").write_text('raise UserError("one", "x", "y")\nerror = {"code": "two", "what": "x"}\n')
    assert codes_in(tmp_path / "a.py") == {"one", "two"}


def test_field_errors_can_be_copied():
    assert copy.copy(FieldErrors({"batch": "No."})).fields == {"batch": "No."}


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `x`",
        "Unable to find a valid cuDNN algorithm to run convolution",
        "HIP error: hipErrorOutOfMemory",
        "NCCL error: unhandled cuda error, Cuda failure 2 'out of memory'",
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.",
        "std::bad_alloc",
    ],
)
def test_memory_that_ran_out_is_known_in_every_spelling(text):
    assert is_out_of_memory(RuntimeError(text))


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
        "CUDA error: an illegal memory access was encountered",
        "cuDNN error: CUDNN_STATUS_MAPPING_ERROR",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasSetStream`",
    ],
)
def test_another_fault_of_a_gpu_is_not_told_as_memory(text):
    assert not is_out_of_memory(RuntimeError(text))
