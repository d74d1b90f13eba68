"""A network of its own for each pod, made by the kernel's means alone: no program, and no root, is needed."""
