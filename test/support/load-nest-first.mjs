// Libraries that are CommonJS require Nest, which is ESM. Jest cannot require a module that it is still linking, so
// Nest is loaded before anything that a spec imports.
import 'reflect-metadata';
import '@nestjs/common';
import '@nestjs/core';
